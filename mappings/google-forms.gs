/**
 * Sends every response of a Google Form to trackbridge, signed.
 *
 * Google Forms has no webhooks; this script is one. It lives in the form, or in the sheet that collects the form's
 * responses, and is set up once:
 *
 *   1. In the form: ⋮ → Apps Script (in the sheet: Extensions → Apps Script). Paste this file in place of what is there.
 *   2. Project Settings → Script Properties, add two:
 *        TRACKBRIDGE_URL     https://<your bridge>/webhooks/google-forms
 *        TRACKBRIDGE_SECRET  a long random text, the same as GOOGLE_FORMS_WEBHOOK_SECRET of your bridge
 *   3. Run setUp() from the editor, and allow what it asks for. It sends a ping, so it fails when address or secret are
 *      wrong, and installs the trigger. Running it again changes nothing.
 *
 * Prefer the form to the sheet: a form's responses have ids of their own, so one that is edited is not a second one.
 * When the bridge was away for longer than a few minutes, run resendLastDay(): what arrived before is not counted twice.
 */

/** How long to wait before each further attempt, in seconds. All of it fits into the six minutes a trigger may take. */
var WAITS = [2, 10, 30, 60];

/** Answers that waiting may change; every other refusal means that something must be mended first. */
var PASSING = [408, 425, 429];

var HANDLER = 'onFormSubmit';

/** Run once, from the editor: checks address and secret with a ping, and installs the trigger. */
function setUp() {
  var place = container_();
  send_(message_('ping', 'ping-' + Date.now(), new Date(), place.document, null, {}));
  ScriptApp.getProjectTriggers().forEach(function (trigger) {
    if (trigger.getHandlerFunction() === HANDLER) ScriptApp.deleteTrigger(trigger);
  });
  place.trigger(ScriptApp.newTrigger(HANDLER)).onFormSubmit().create();
  console.log('The bridge knows the secret, and the trigger is installed.');
}

/** What the trigger calls. An error here is mailed to you by Google. */
function onFormSubmit(event) {
  send_(event.response ? fromForm_(event.response, event.source) : fromSheet_(event));
}

/** Run by hand, in the form, after a long outage: sends the last day's responses again, under the ids they had. */
function resendLastDay() {
  var form = FormApp.getActiveForm();
  if (!form) throw new Error('Only a script in the form itself can send again: a sheet has no responses.');
  var responses = form.getResponses(new Date(Date.now() - 24 * 3600 * 1000));
  responses.forEach(function (response) {
    send_(fromForm_(response, form));
  });
  console.log(responses.length + ' responses sent.');
}

/** The form or the sheet this script lives in, and how a trigger is made for it. */
function container_() {
  var form = typeof FormApp === 'undefined' ? null : FormApp.getActiveForm();
  if (form) return {document: form, trigger: function (builder) { return builder.forForm(form); }};
  var sheet = SpreadsheetApp.getActive();
  if (sheet) return {document: sheet, trigger: function (builder) { return builder.forSpreadsheet(sheet); }};
  throw new Error('This script must live in a form or in its sheet of responses: open it from there.');
}

/** A form's own response. */
function fromForm_(response, form) {
  var values = {};
  response.getItemResponses().forEach(function (item) {
    var title = item.getItem().getTitle();
    if (!Object.prototype.hasOwnProperty.call(values, title)) values[title] = [];
    values[title].push(text_(item.getResponse()));
  });
  var email = response.getRespondentEmail() || null;
  return message_('form_response', response.getId(), response.getTimestamp(), form, email, values);
}

/**
 * A row of the sheet of responses. It has no id; a row's number is used again when rows are deleted, and only with
 * the time in its first column it is one response.
 */
function fromSheet_(event) {
  var sheet = event.range.getSheet();
  var first = sheet.getRange(event.range.getRow(), 1).getValue();
  var time = first && typeof first.getTime === 'function' ? first : new Date();
  var document = sheet.getParent();
  var id = ['sheet', document.getId(), sheet.getSheetId(), event.range.getRow(), time.getTime()].join('-');
  return message_('form_response', id, time, document, null, event.namedValues);
}

/** What the bridge is told; mappings/google-forms.yaml reads it. */
function message_(type, id, time, document, email, values) {
  return {
    type: type,
    id: id,
    submitted_at: time.toISOString(),
    form: {id: document.getId(), title: document.getTitle ? document.getTitle() : document.getName()},
    respondent_email: email,
    namedValues: values,
  };
}

/** An answer as text: choices joined as the sheet joins them, a grid row by row. */
function text_(answer) {
  if (answer === null || answer === undefined) return '';
  return Array.isArray(answer) ? answer.map(text_).join(', ') : String(answer);
}

/** Sends a message until the bridge has it. Throws when it cannot be sent, so that Google tells you. */
function send_(message) {
  var url = property_('TRACKBRIDGE_URL');
  var secret = property_('TRACKBRIDGE_SECRET');
  var body = ascii_(JSON.stringify(message));
  for (var attempt = 0; ; attempt++) {
    var problem = attempt_(url, secret, message.id, body);
    if (!problem) return;
    if (problem.isFinal || attempt === WAITS.length) throw new Error('trackbridge: ' + problem.text);
    Utilities.sleep(WAITS[attempt] * 1000);
  }
}

/** One attempt, signed with the time of its own; null when the bridge has the message. */
function attempt_(url, secret, id, body) {
  var status;
  try {
    status = UrlFetchApp.fetch(url, {
      method: 'post',
      contentType: 'application/json',
      headers: signed_(id, Math.floor(Date.now() / 1000), body, secret),
      payload: body,
      muteHttpExceptions: true,
      followRedirects: false,
    }).getResponseCode();
  } catch (error) {
    return {text: String(error), isFinal: false};
  }
  if (status === 200) return null;
  var isFinal = status < 500 && PASSING.indexOf(status) < 0;
  return {text: 'it answered ' + status + (status === 401 ? ': the secrets differ' : ''), isFinal: isFinal};
}

/** The headers of Standard Webhooks. The key is the secret as it is written, whatever text that is. */
function signed_(id, seconds, body, secret) {
  var content = [id, seconds, body].join('.');
  // without the character set Google takes ASCII, and turns every other letter of a secret into a question mark;
  // what comes back are Java's signed bytes, which base64Encode takes as they are
  var mac = Utilities.computeHmacSha256Signature(content, secret, Utilities.Charset.UTF_8);
  return {
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': 'v1,' + Utilities.base64Encode(mac),
  };
}

/** JSON with every other letter escaped: the bytes that are signed are the bytes that are sent, in any encoding. */
function ascii_(json) {
  return json.replace(/[\u007f-\uffff]/g, function (letter) {
    return '\\u' + ('000' + letter.charCodeAt(0).toString(16)).slice(-4);
  });
}

function property_(name) {
  var value = (PropertiesService.getScriptProperties().getProperty(name) || '').trim();
  if (!value) throw new Error('Missing ' + name + ': add it under Project Settings → Script Properties.');
  return value;
}
