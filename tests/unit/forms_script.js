// Runs mappings/google-forms.gs outside Google. Reads {script, call, container, properties, statuses, response, row} from
// standard input, runs one function of the script, and writes what it did.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const vm = require('vm');

const given = JSON.parse(fs.readFileSync(0, 'utf8'));
const done = {requests: [], sleeps: [], triggers: [], deleted: 0, error: null};
const statuses = [...given.statuses];

const inCharset = (text, charset) => Buffer.from(charset === 'UTF_8' ? text : text.replace(/[^\x00-\x7f]/g, '?'), 'utf8');

const Utilities = {
  Charset: {US_ASCII: 'US_ASCII', UTF_8: 'UTF_8'},
  sleep: (milliseconds) => done.sleeps.push(milliseconds),
  // as Google does: signed bytes, and ASCII where no character set is named
  computeHmacSha256Signature: (value, key, charset) =>
    [...new Int8Array(crypto.createHmac('sha256', inCharset(key, charset)).update(inCharset(value, charset)).digest())],
  base64Encode: (bytes) => Buffer.from(Int8Array.from(bytes).buffer).toString('base64'),
};

const UrlFetchApp = {
  fetch(url, options) {
    done.requests.push({url, ...options});
    const status = statuses.shift();
    if (typeof status === 'string') throw new Error(status);
    return {getResponseCode: () => status};
  },
};

const form = {
  getId: () => '1aFormId',
  getTitle: () => 'Ask for a demo',
  getResponses: () => (given.response ? [response(given.response)] : []),
};
const spreadsheet = {getId: () => '1cSheetId', getName: () => 'Responses'};
const sheet = {
  getParent: () => spreadsheet,
  getSheetId: () => 1841207535,
  getRange: (row, column) => ({getValue: () => (row === given.row.row && column === 1 ? cell(given.row.first) : 'other cell')}),
};

function cell(value) {
  return value.date ? new Date(value.date) : value.text;
}

function response(told) {
  return {
    getId: () => told.id,
    getTimestamp: () => new Date(told.at),
    getRespondentEmail: () => told.email,
    getItemResponses: () =>
      told.items.map(([title, value]) => ({getItem: () => ({getTitle: () => title}), getResponse: () => value})),
  };
}

function builder(handler) {
  const made = {handler};
  const next = (key, value) => ((made[key] = value), self);
  const self = {
    forForm: (where) => next('for', where.getId()),
    forSpreadsheet: (where) => next('for', where.getId()),
    onFormSubmit: () => next('event', 'onFormSubmit'),
    create: () => done.triggers.push(made),
  };
  return self;
}

const context = {
  Utilities,
  UrlFetchApp,
  console: {log: () => {}},
  FormApp: {getActiveForm: () => (given.container === 'form' ? form : null)},
  SpreadsheetApp: {getActive: () => (given.container === 'sheet' ? spreadsheet : null)},
  PropertiesService: {getScriptProperties: () => ({getProperty: (name) => given.properties[name] ?? null})},
  ScriptApp: {
    newTrigger: builder,
    getProjectTriggers: () => ['onFormSubmit', 'ofSomebodyElse'].map((name) => ({getHandlerFunction: () => name})),
    deleteTrigger: (trigger) => (done.deleted += trigger.getHandlerFunction() === 'onFormSubmit' ? 1 : 100),
  },
};

const events = {
  form: () => ({response: response(given.response), source: form}),
  row: () => ({range: {getSheet: () => sheet, getRow: () => given.row.row}, namedValues: given.row.namedValues}),
};

vm.createContext(context);
vm.runInContext(fs.readFileSync(given.script, 'utf8'), context);
try {
  context[given.call](given.event ? events[given.event]() : undefined);
} catch (error) {
  done.error = error.message;
}
process.stdout.write(JSON.stringify(done));
