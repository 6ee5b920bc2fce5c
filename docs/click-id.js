/*
 * click-id.js: hands the click id on, from the page somebody landed on to the form or checkout they end up in.
 *
 *   <script src="/click-id.js" defer></script>
 *
 * The click id is `cms_rf` in the page's address, else the first-party cookie of that name. Every link, embed and
 * form below gets it under the name that its tool gives back in webhooks (see click-ids.md):
 *   links and frames to known tools · embed elements of Stripe, Typeform, Calendly, Paperform, Fillout, Cal.com
 *   form fields named click_id, cms_rf, attributes[click_id] or attributes[cms_rf]
 *   anything else that says so itself: data-click-id="name of the parameter", or data-click-id="" on a field.
 * data-click-id="off" leaves an element alone. What is filled already stays as it is; an empty parameter and Typeform's
 * placeholder xxxxx are not filled. What is added to the page later is filled too. For your own code there is
 * trackbridge.clickId().
 *
 * No dependency, no request, no cookie of its own, nothing kept. Without a click id it touches nothing.
 */
(function () {
  'use strict';

  var NAME = 'cms_rf';
  // what a click id may be made of: more would not survive every tool's address and every webhook
  var FORM = /^[A-Za-z0-9._~:-]{1,128}$/;
  // Stripe takes letters, digits, dashes and underscores here, and drops the whole value otherwise
  var STRIPE = /^[A-Za-z0-9_-]{1,190}$/;

  /* Which parameter a host's pages hand through to its webhooks; `at` is where the tool reads it. */
  var HOSTS = [
    { host: 'buy.stripe.com', name: 'client_reference_id', prefix: 'cms_rf_', only: STRIPE },
    { host: 'typeform.com', name: 'click_id', at: 'hash' },
    { host: 'tally.so', name: 'click_id' },
    { host: 'jotform.com', name: 'click_id' },
    { host: 'fillout.com', name: 'click_id' },
    { host: 'paperform.co', name: 'click_id' },
    { host: 'formbricks.com', name: 'click_id' },
    { host: 'calendly.com', name: 'utm_content', prefix: 'cms_rf_' },
    { host: 'cal.com', name: 'click_id' },
    { host: 'lemonsqueezy.com', name: 'checkout[custom][click_id]', path: /\/(buy|checkout)\// },
    { host: 'gumroad.com', name: 'click_id' },
    { host: 'polar.sh', name: 'reference_id', prefix: 'cms_rf_' }
  ];

  var URLS = ['href', 'src', 'action', 'data-url', 'data-src', 'data-tally-src', 'data-iframe-src'];
  var FIELDS = ['click_id', 'cms_rf', 'attributes[click_id]', 'attributes[cms_rf]'];
  var ELEMENTS =
    'a[href],area[href],iframe,form[action],stripe-buy-button,stripe-pricing-table,input,' +
    '[data-url],[data-tally-src],[data-tf-widget],[data-tf-live],[data-tf-popup],[data-tf-slider],[data-tf-sidetab],' +
    '[data-tf-popover],[data-paperform-id],[data-fillout-id],[data-cal-link],[data-click-id]';

  function decoded(text) {
    try {
      return decodeURIComponent(text.replace(/\+/g, ' '));
    } catch (error) {
      return '';
    }
  }

  /* The value of `name` in `a=1&b=2` text; '' when it is not there. */
  function value(text, separator, name) {
    var pairs = text.split(separator);
    for (var i = 0; i < pairs.length; i++) {
      var at = pairs[i].indexOf('=');
      if (at > 0 && decoded(pairs[i].slice(0, at).trim()) === name) {
        return decoded(pairs[i].slice(at + 1).trim());
      }
    }
    return '';
  }

  /* Whether a parameter waits to be filled: Typeform's share links say `#click_id=xxxxx`. */
  function isBlank(text) {
    return /^(x{5})?$/i.test(text);
  }

  /* `a=1&b=2` text without the pairs of this name. */
  function without(text, separator, name) {
    return text.split(separator).filter(function (pair) {
      var at = pair.indexOf('=');
      return at < 0 || decoded(pair.slice(0, at).trim()) !== name;
    }).join(separator);
  }

  function cookies() {
    try {
      return document.cookie;
    } catch (error) {
      return ''; // a sandboxed frame
    }
  }

  /* The click id of this visit, or ''. The newest click wins: the address before the cookie. */
  function clickId() {
    var found = value(location.search.slice(1), '&', NAME);
    if (!FORM.test(found)) {
      found = value(cookies(), ';', NAME);
    }
    return FORM.test(found) ? found : '';
  }

  function rule(url) {
    for (var i = 0; i < HOSTS.length; i++) {
      var one = HOSTS[i];
      var isHost = url.hostname === one.host || url.hostname.slice(-one.host.length - 1) === '.' + one.host;
      if (isHost && (!one.path || one.path.test(url.pathname))) {
        return one;
      }
    }
    return null;
  }

  /* A parameter that somebody named: by its tool's rule where it has one slot, for a tool's page under a domain of yours. */
  function named(name) {
    return HOSTS.filter(function (one) { return one.prefix && one.name === name; })[0] || { name: name };
  }

  function parsed(text) {
    try {
      var url = new URL(text, document.baseURI);
      return url.protocol === 'https:' || url.protocol === 'http:' ? url : null;
    } catch (error) {
      return null;
    }
  }

  /* `text` with the parameter added; null when there is nothing to add. The rest of an address stays as it is written. */
  function withParameter(text, name, id, at) {
    var hash = text.indexOf('#');
    var head = hash < 0 ? text : text.slice(0, hash);
    var tail = hash < 0 ? '' : text.slice(hash + 1);
    var ask = head.indexOf('?');
    var query = ask < 0 ? '' : head.slice(ask + 1);
    if (!isBlank(value(query, '&', name)) || !isBlank(value(tail, '&', name))) {
      return null;
    }
    query = without(query, '&', name);
    tail = without(tail, '&', name);
    head = ask < 0 ? head : head.slice(0, ask + 1) + query;
    var pair = encodeURIComponent(name) + '=' + encodeURIComponent(id);
    if (at === 'hash') {
      return head + '#' + (tail ? tail + '&' : '') + pair;
    }
    var joint = ask < 0 ? '?' : query && query.slice(-1) !== '&' ? '&' : '';
    return head + joint + pair + (hash < 0 ? '' : '#' + tail);
  }

  function fillUrl(element, attribute, id, own) {
    var text = element.getAttribute(attribute);
    var url = text && parsed(text);
    var one = url && (own ? named(own) : rule(url));
    if (!one || (one.only && !one.only.test(id))) {
      return;
    }
    var filled = withParameter(text, one.name, (one.prefix || '') + id, one.at);
    if (filled !== null) {
      element.setAttribute(attribute, filled);
    }
  }

  function fillAttribute(element, attribute, id) {
    if (!element.getAttribute(attribute)) {
      element.setAttribute(attribute, id);
    }
  }

  /* Typeform: comma-separated pairs; Paperform: pairs as in an address. */
  function fillPairs(element, attribute, separator, id) {
    var text = element.getAttribute(attribute) || '';
    if (isBlank(value(text, separator, 'click_id'))) {
      text = without(text, separator, 'click_id');
      element.setAttribute(attribute, (text ? text + separator : '') + 'click_id=' + id);
    }
  }

  function fillCal(element, id) {
    var config = {};
    try {
      config = JSON.parse(element.getAttribute('data-cal-config') || '{}');
    } catch (error) {
      return; // not ours to mend
    }
    if (config && typeof config === 'object' && !config.click_id) {
      config.click_id = id;
      element.setAttribute('data-cal-config', JSON.stringify(config));
    }
  }

  function fillField(field, own, id) {
    var isOurs = own !== null || FIELDS.indexOf(field.name) >= 0;
    if (isOurs && !field.value && (field.type === 'hidden' || field.type === 'text')) {
      field.value = id;
    }
  }

  function isTypeform(element) {
    return ['widget', 'live', 'popup', 'slider', 'sidetab', 'popover'].some(function (kind) {
      return element.hasAttribute('data-tf-' + kind);
    });
  }

  function fillEmbed(element, id) {
    if (/^stripe-(buy-button|pricing-table)$/.test(element.localName) && STRIPE.test(id)) {
      fillAttribute(element, 'client-reference-id', 'cms_rf_' + id);
    }
    if (isTypeform(element)) {
      fillPairs(element, 'data-tf-hidden', ',', id);
    }
    if (element.hasAttribute('data-paperform-id')) {
      fillPairs(element, 'prefill', '&', id);
    }
    if (element.hasAttribute('data-fillout-id')) {
      fillAttribute(element, 'data-click_id', id);
    }
    if (element.hasAttribute('data-cal-link')) {
      fillCal(element, id);
    }
  }

  function fill(element, id) {
    var own = element.getAttribute('data-click-id');
    if (own === 'off') {
      return;
    }
    if (element.localName === 'input') {
      fillField(element, own, id);
      return;
    }
    fillEmbed(element, id);
    URLS.forEach(function (attribute) {
      if (element.hasAttribute(attribute)) {
        fillUrl(element, attribute, id, own);
      }
    });
  }

  function fillAll(root) {
    var id = clickId();
    if (!id) {
      return;
    }
    if (root.matches && root.matches(ELEMENTS)) {
      fill(root, id);
    }
    root.querySelectorAll(ELEMENTS).forEach(function (element) {
      fill(element, id);
    });
  }

  window.trackbridge = window.trackbridge || {};
  window.trackbridge.clickId = clickId;

  fillAll(document);
  new MutationObserver(function (changes) {
    changes.forEach(function (change) {
      change.addedNodes.forEach(function (node) {
        if (node.nodeType === 1) {
          fillAll(node);
        }
      });
    });
  }).observe(document.documentElement, { childList: true, subtree: true });
  // the last moment: links whose address was changed since, and a cookie that came later
  ['click', 'auxclick', 'submit'].forEach(function (name) {
    document.addEventListener(name, function (event) {
      var element = event.target.closest && event.target.closest(name === 'submit' ? 'form' : 'a[href],area[href]');
      if (element) {
        fillAll(element);
      }
    }, true);
  });
})();
