// Debian's Chromium, with a virtual authenticator, registers a passkey and logs in with it, and with
// codes of an authenticator app.
//
//   node passkeys.mjs < {"chromium", "origin", "user": {"email", "password"}, "now"}
//
// "now" is what the application's clock shows, in seconds; it stands still, but for what the address
// "later" of the application tells it. Prints what was seen.

import { createHmac } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const PATIENCE = 60_000;

async function main() {
  const demo = JSON.parse(await text(process.stdin));
  await mkdir(demo.screenshots, { recursive: true });
  const profile = await mkdtemp(join(tmpdir(), "donjon-browser-"));
  const browser = await chromium.launchPersistentContext(profile, { executablePath: demo.chromium, args: FLAGS });
  try {
    const page = await browser.newPage();
    const visitor = await Visitor.at(page, demo);
    console.log(JSON.stringify(await visitor.wholeTrip(), null, 2));
  } finally {
    await browser.close();
    await rm(profile, { recursive: true, force: true });
  }
}

class Visitor {
  complaints = [];

  static async at(page, demo) {
    const visitor = new Visitor();
    Object.assign(visitor, { page, demo });
    page.setDefaultTimeout(PATIENCE);
    await page.addInitScript(offerOnlyWhenTold);
    page.on("pageerror", (error) => visitor.complaints.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") visitor.complaints.push(message.text());
    });
    visitor.devtools = await page.context().newCDPSession(page);
    await visitor.devtools.send("WebAuthn.enable");
    const { authenticatorId } = await visitor.devtools.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        ctap2Version: "ctap2_1",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: false,
      },
    });
    visitor.authenticatorId = authenticatorId;
    return visitor;
  }

  async wholeTrip() {
    const report = {};
    report.without_a_passkey = await this.logIn();
    report.added = await this.addPasskey("Chromium’s own");
    report.held = (await this.devtools.send("WebAuthn.getCredentials", this.#which())).credentials.map(
      ({ isResidentCredential, rpId }) => ({ isResidentCredential, rpId }),
    );
    await this.logOut();
    report.second_step = await this.logIn({ then: () => this.touch("#passkey") });
    await this.logOut();
    report.usernameless = await this.logInWithoutName();
    await this.logOut();
    report.autofill = await this.logInByAutofill();
    report.codes = await this.enrollApp();
    await this.logOut();
    report.by_code = await this.logIn({ then: () => this.enterCode() });
    report.proven_again = await this.proveAgain("#passkey");
    report.by_password_again = await this.proveAgain("#submit");
    await this.logOut();
    report.refused = await this.logInWithAnEmptyAuthenticator();
    report.complaints = this.complaints;
    return report;
  }

  /** With the password, and whatever else is asked; returns what the application then says. */
  async logIn({ then } = {}) {
    await this.#open("/login");
    await this.page.fill("#email", this.demo.user.email);
    await this.page.fill("#password", this.demo.user.password);
    await this.page.click("#submit");
    if (then) {
      await this.page.waitForURL("**/login/verify");
      await then();
    }
    return this.#home();
  }

  async logInWithoutName() {
    await this.#open("/login");
    await this.touch("#passkey");
    return this.#home();
  }

  /** By what the browser offers in the field for the address: here the first it has. */
  async logInByAutofill() {
    await this.page.evaluate(() => localStorage.setItem("autofill", "on"));
    await this.#present(true);
    await this.#open("/login");
    const greeting = await this.#home();
    await this.#present(false);
    await this.page.evaluate(() => localStorage.removeItem("autofill"));
    return greeting;
  }

  async addPasskey(name) {
    await this.#open("/settings/passkeys");
    await this.page.fill("#name", name);
    await this.touch("#passkey");
    await this.page.waitForSelector(".passkey-name");
    return this.page.locator(".passkey-name").allInnerTexts();
  }

  async enrollApp() {
    await this.#open("/settings/two-factor/setup");
    this.secret = base32(await this.page.locator("#secret").innerText());
    await this.page.fill("#code", code(this.secret, this.demo.now - 30));
    await this.page.click("#submit");
    await this.page.waitForSelector("#codes");
    return this.page.locator("#codes li").count();
  }

  async enterCode() {
    await this.page.fill("#code", code(this.secret, this.demo.now));
    await this.page.click("#submit");
  }

  /** After a while sensitive pages ask once more: for the password, or for the passkey beside it. */
  async proveAgain(button) {
    await this.page.request.get(`${this.demo.origin}${this.demo.later}`);
    await this.#open("/settings/passkeys");
    await this.page.waitForURL("**/login/again?*");
    await this.#shoot(`again-${button.slice(1)}`);
    if (button === "#passkey") {
      await this.touch(button);
    } else {
      await this.page.fill("#password", this.demo.user.password);
      await this.page.click(button);
    }
    const there = `${this.demo.origin}/settings/passkeys`;
    await this.page.waitForURL(there).catch((error) => this.#stuck(error));
    return this.page.locator(".passkey-name").allInnerTexts();
  }

  async #shoot(name) {
    await this.page.screenshot({ path: join(this.demo.screenshots, `${name}.png`) });
  }

  async logInWithAnEmptyAuthenticator() {
    await this.devtools.send("WebAuthn.clearCredentials", this.#which());
    await this.#open("/login");
    await this.#present(true);
    await this.page.click("#passkey");
    const problem = this.page.locator("[data-passkey-problem]");
    await problem.waitFor({ state: "visible" });
    await this.#present(false);
    return problem.innerText();
  }

  async logOut() {
    await this.#open("/logout");
    await this.page.click("#submit");
    await this.page.waitForSelector("#logged-out");
  }

  /** Presses a button, and then the authenticator's. */
  async touch(selector) {
    await this.#present(true);
    const left = this.page.waitForEvent("framenavigated");
    await this.page.click(selector);
    await left.catch((error) => this.#stuck(error));
    await this.#present(false);
  }

  async #present(enabled) {
    await this.devtools.send("WebAuthn.setAutomaticPresenceSimulation", { ...this.#which(), enabled });
  }

  #which() {
    return { authenticatorId: this.authenticatorId };
  }

  async #open(path) {
    await this.page.goto(`${this.demo.origin}${path}`);
  }

  async #stuck(error) {
    const shown = await this.page.locator("main").innerText();
    throw new Error(`${error.message}\nat ${this.page.url()}: ${this.complaints}\n${shown}`);
  }

  async #home() {
    await this.page.waitForURL(`${this.demo.origin}/`).catch((error) => this.#stuck(error));
    return this.page.locator("body").innerText();
  }
}

/** The virtual authenticator takes whatever is offered at once, so that nobody could press a button before. */
function offerOnlyWhenTold() {
  const asked = window.PublicKeyCredential?.isConditionalMediationAvailable;
  if (!asked) return;
  PublicKeyCredential.isConditionalMediationAvailable = async () =>
    localStorage.getItem("autofill") === "on" && asked.call(PublicKeyCredential);
}

function base32(key) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...key.replace(/ /g, "")].map((c) => letters.indexOf(c).toString(2).padStart(5, "0")).join("");
  return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
}

/** What an authenticator app shows at a time (RFC 6238). */
function code(secret, seconds) {
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(seconds / 30)));
  const mac = createHmac("sha1", secret).update(step).digest();
  const at = mac[19] & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

await main();
