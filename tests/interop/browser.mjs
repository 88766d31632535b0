// Debian's Chromium clicks through the demo, without JavaScript.
//
//   node browser.mjs < {"chromium", "host", "app", "screenshots", "user": {…}, "demo_user": {…}, "employee", "colleague"}
//
// Prints what each station showed; leaves a screenshot of every page in the folder `screenshots`.

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

async function main() {
  const demo = JSON.parse(await text(process.stdin));
  await mkdir(demo.screenshots, { recursive: true });
  const profile = await mkdtemp(join(tmpdir(), "donjon-browser-"));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: demo.chromium,
    args: FLAGS,
    javaScriptEnabled: false,
    viewport: { width: 1100, height: 800 },
  });
  try {
    const visitor = new Visitor(await browser.newPage(), demo);
    console.log(JSON.stringify(await visitor.wholeTrip(), null, 2));
  } finally {
    await browser.close();
    await rm(profile, { recursive: true, force: true });
  }
}

class Visitor {
  #shots = 0;

  constructor(page, demo) {
    Object.assign(this, { page, demo });
    page.setDefaultTimeout(15_000);
  }

  async wholeTrip() {
    const { host, user, demo_user, employee, colleague } = this.demo;
    const report = {};
    await this.#open(host, "home");
    report.registered = await this.register(user);
    report.denied = await this.refuseApp(user);
    report.by_password = await this.visitApp(user);
    report.again = await this.visitApp();
    report.logged_out = await this.logOut();
    report.demo_user = await this.visitApp(demo_user);
    await this.logOut();
    report.by_saml = await this.comeThroughSaml(employee);
    await this.logOut();
    report.by_door = await this.enterAppByOtherDoor(colleague);
    return report;
  }

  /** Register, then confirm by the link in the mailbox. */
  async register(user) {
    await this.#open(`${this.demo.host}/register`, "register");
    await this.#fill(user);
    await this.#click("#submit", "registered");
    await this.#open(`${this.demo.host}/dev/mailbox`, "mailbox");
    const mail = await this.page.locator("body").innerText();
    const link = this.page.locator('a[href*="confirm"]').first();
    await this.page.goto(await link.getAttribute("href"));
    await this.#shot("confirm");
    const button = this.page.locator("#submit");
    if (await button.count()) await this.#click("#submit", "confirmed");
    return { mailed: mail.includes(user.email) };
  }

  /** To the third-party application and on to the host, which may ask to log in; leaves what it shows next. */
  async enterApp(user) {
    await this.#open(this.demo.app, "app");
    await this.#click("#login", "app-login");
    const mustLogIn = await this.#shows("#password");
    if (mustLogIn) {
      await this.#fill(user);
      await this.#click("#submit", "after-login");
    }
    return mustLogIn ? ["login"] : [];
  }

  /** Says no at the consent page; returns what the application then says. */
  async refuseApp(user) {
    await this.enterApp(user);
    await this.#click("#deny", "denied");
    return this.#text("#login-error");
  }

  /** Says yes, if asked; returns what the application shows of the user, and what the API answered it. */
  async visitApp(user) {
    const stations = await this.enterApp(user);
    if (await this.#shows("#approve")) {
      stations.push("consent");
      await this.#click("#approve", "app-dashboard");
    }
    const seen = {
      stations,
      sub: await this.#text("#claim-sub"),
      greeting: await this.#text("#greeting"),
      api: JSON.parse(await this.#text("#api-answer")),
    };
    await this.#click("#logout", "app-logged-out");
    return seen;
  }

  async logOut() {
    await this.#open(`${this.demo.host}/logout`, "logout");
    if (await this.#shows("#submit")) await this.#click("#submit", "logged-out");
    return this.#shows("#logged-out");
  }

  /** From the host to the customer's identity provider, and back with its answer. */
  async comeThroughSaml(employee) {
    await this.page.goto(`${this.demo.host}/saml/acme/login`);
    await this.#shot("saml-who-are-you");
    await this.#click(`#user-${employee}`, "saml-continue");
    await this.#click("#continue", "saml-logged-in");
    return this.visitApp();
  }

  /** From the application to the host's login page, from there to the identity provider, and all the way back. */
  async enterAppByOtherDoor(employee) {
    await this.#open(this.demo.app, "app");
    await this.#click("#login", "app-login");
    await this.#click('a[href^="/saml/acme/login"]', "door-who-are-you");
    await this.#click(`#user-${employee}`, "door-continue");
    await this.#click("#continue", "door-consent");
    await this.#click("#approve", "app-dashboard");
    return { greeting: await this.#text("#greeting"), api: JSON.parse(await this.#text("#api-answer")) };
  }

  async #open(url, name) {
    await this.page.goto(url);
    await this.#shot(name);
  }

  async #fill({ email, password }) {
    await this.page.fill("#email", email);
    await this.page.fill("#password", password);
  }

  async #click(selector, name) {
    try {
      await Promise.all([this.page.waitForLoadState("load"), this.page.click(selector)]);
      await this.page.waitForLoadState("networkidle");
    } catch (error) {
      await this.#shot(`stuck-before-${name}`);
      throw new Error(`${name}: ${error.message}\n${this.page.url()}\n${await this.page.content()}`);
    }
    await this.#shot(name);
  }

  async #shows(selector) {
    return (await this.page.locator(selector).count()) > 0;
  }

  async #text(selector) {
    try {
      return await this.page.locator(selector).innerText();
    } catch (error) {
      throw new Error(`no ${selector} on ${this.page.url()}\n${await this.page.content()}`);
    }
  }

  async #shot(name) {
    const number = String(++this.#shots).padStart(2, "0");
    await this.page.screenshot({ path: join(this.demo.screenshots, `${number}-${name}.png`), fullPage: true });
  }
}

await main();
