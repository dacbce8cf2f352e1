// Zgoda: a consent form on your website. Apache-2.0. No dependency, no cookie, no inline style or script, no eval.
(function () {
  "use strict";
  var home = new URL(document.currentScript.src).origin;
  var TYPES = {
    ads: ["ad_storage", "ad_user_data", "ad_personalization"],
    analytics: ["analytics_storage"],
    profiling: ["personalization_storage"]
  };
  var gpc = navigator.globalPrivacyControl === true;

  // Google Consent Mode v2: denied until somebody answers.
  function consentMode(command, state) {
    window.dataLayer = window.dataLayer || [];
    (function () { window.dataLayer.push(arguments); })("consent", command, state);
  }
  function denied() {
    var state = {};
    Object.keys(TYPES).forEach(function (channel) {
      TYPES[channel].forEach(function (type) { state[type] = "denied"; });
    });
    return state;
  }
  consentMode("default", denied());

  function enhance(form) {
    var key = form.getAttribute("data-zgoda-form");
    var language = form.getAttribute("data-language") || document.documentElement.lang.slice(0, 2) || "en";
    var said = form.querySelector("[data-zgoda-status]");
    var asked = fetch(home + "/forms/" + encodeURIComponent(key) + ".json?language=" + encodeURIComponent(language),
      { credentials: "omit", referrerPolicy: "origin" }).then(function (answer) {
        if (!answer.ok) { throw new Error(String(answer.status)); }
        return answer.json();
      });
    // The form still works as plain HTML when the service cannot be asked.
    asked.then(function (spec) {
      spec.purposes.forEach(function (purpose) {
        purpose.choices.forEach(function (choice) {
          var no = form.querySelector('input[name="' + choice.field + '"][value="no"]');
          var chosen = form.querySelector('input[name="' + choice.field + '"]:checked');
          if (gpc && choice.channel === "ads" && no && !chosen) { no.checked = true; }
        });
      });
      form.addEventListener("submit", function (event) {
        event.preventDefault();
        send(form, key, spec, said);
      });
      form.setAttribute("data-zgoda-ready", "");
    }, function () {});
  }

  function send(form, key, spec, said) {
    var answers = {}, state = denied();
    spec.purposes.forEach(function (purpose) {
      purpose.choices.forEach(function (choice) {
        var chosen = form.querySelector('input[name="' + choice.field + '"]:checked');
        if (!chosen) { return; }
        answers[choice.field] = chosen.value;
        (TYPES[choice.channel] || []).forEach(function (type) {
          state[type] = chosen.value === "yes" ? "granted" : "denied";
        });
      });
    });
    if (!Object.keys(answers).length) { tell(said, spec.words.unanswered); return; }
    var body = { email: form.elements.email.value, answers: answers, presentation: spec.presentation, gpc: gpc };
    if (spec.age) {
      var old = form.querySelector('input[name="of_age"]:checked');
      var yes = Object.values(answers).indexOf("yes") >= 0;
      if (yes && !(old && old.value === "yes")) { tell(said, old ? spec.words.too_young : spec.words.age_unanswered); return; }
      if (old) { body.of_age = old.value === "yes"; }
    }
    fetch(home + "/forms/" + encodeURIComponent(key) + "/answers", {
      method: "POST", credentials: "omit", referrerPolicy: "origin", headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body)
    }).then(function (answer) {
      if (!answer.ok) { throw new Error(String(answer.status)); }
      tell(said, spec.words.sent);
      consentMode("update", state);
      form.dispatchEvent(new CustomEvent("zgoda:answered", { bubbles: true, detail: answers }));
    }).catch(function () { tell(said, spec.words.failed); });
  }

  function tell(place, words) { if (place) { place.textContent = words; place.focus(); } }

  function start() { document.querySelectorAll("form[data-zgoda-form]").forEach(enhance); }
  if (document.readyState === "loading") { document.addEventListener("DOMContentLoaded", start); } else { start(); }
})();
