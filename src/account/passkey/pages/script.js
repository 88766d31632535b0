// Asks the browser for a passkey, and posts its answer with the form that asked. A form says what it
// wants by data-passkey ("create" or "get") and data-options; its page works without this.
"use strict";
(() => {
  const forms = document.querySelectorAll("form[data-passkey]");
  if (!window.PublicKeyCredential || !navigator.credentials) return;

  const decode = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const encode = (buffer) => {
    let text = "";
    for (const byte of new Uint8Array(buffer)) text += String.fromCharCode(byte);
    return btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  };

  // What must be bytes comes as text.
  const read = (json) => {
    const options = JSON.parse(json);
    options.challenge = decode(options.challenge);
    if (options.user) options.user.id = decode(options.user.id);
    for (const list of [options.allowCredentials, options.excludeCredentials])
      for (const credential of list ?? []) credential.id = decode(credential.id);
    return options;
  };
  const write = ({ id, rawId, type, response }) => {
    const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
    const answer = {};
    for (const part of parts) if (response[part]) answer[part] = encode(response[part]);
    if (response.getTransports) answer.transports = response.getTransports();
    return JSON.stringify({ id, rawId: encode(rawId), type, response: answer });
  };

  let waiting = new AbortController();
  let over = Promise.resolve();

  const ask = async (form, mediation) => {
    // A browser takes one request at a time, and an aborted one takes a moment to end.
    waiting.abort();
    await over;
    waiting = new AbortController();
    const request = { publicKey: read(form.dataset.options), signal: waiting.signal };
    if (mediation) request.mediation = mediation;
    const asked = navigator.credentials[form.dataset.passkey](request);
    over = asked.catch(() => {});
    const credential = await asked;
    // What the form asks of those without a passkey is not sent.
    for (const field of form.querySelectorAll("[required]")) field.disabled = true;
    form.elements.credential.value = write(credential);
    // The form may have a field or button called submit.
    HTMLFormElement.prototype.submit.call(form);
  };

  const offer = async (form) => {
    if (!("conditional" in form.dataset)) return;
    if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
    // Whoever chooses nothing from the list is not told that nothing came of it.
    ask(form, "conditional").catch(() => {});
  };

  for (const form of forms) {
    const button = form.querySelector("[data-passkey-button]");
    const problem = form.querySelector("[data-passkey-problem]");
    for (const part of form.querySelectorAll("[data-passkey-with]")) part.hidden = false;
    for (const part of form.querySelectorAll("[data-passkey-without]")) part.hidden = true;
    button.addEventListener("click", async () => {
      button.disabled = true;
      problem.hidden = true;
      try {
        await ask(form);
      } catch {
        problem.hidden = false;
        button.disabled = false;
        offer(form);
      }
    });
    offer(form);
  }
})();
