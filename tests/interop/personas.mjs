// Debian's Chromium is each persona of the demo in turn: in light on a wide screen, in dark on a narrow one.
//
//   node personas.mjs < {"chromium", "host", "app", "password", "screenshots", "settings": ["/settings", …]}
//
// Leaves a picture of every page, and prints what is wrong with any of them: controls without a name,
// more or less than one heading, what does not fit, what the Tab key does not reach or does not show.

import { mkdir } from "node:fs/promises";
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
const WIDE = { width: 1200, height: 900 };
const NARROW = { width: 390, height: 844 };
const LOOKS = [
  { look: "light-wide", colorScheme: "light", viewport: WIDE },
  { look: "dark-narrow", colorScheme: "dark", viewport: NARROW },
];
const NAMED = new Set([
  "button",
  "checkbox",
  "combobox",
  "image",
  "link",
  "listbox",
  "radio",
  "searchbox",
  "spinbutton",
  "switch",
  "textbox",
]);

async function main() {
  const demo = JSON.parse(await text(process.stdin));
  const browser = await chromium.launch({ executablePath: demo.chromium, args: FLAGS });
  const report = { pages: 0, faults: [], stories: {} };
  try {
    for (const look of LOOKS) {
      await mkdir(join(demo.screenshots, look.look), { recursive: true });
      for (const persona of [
        visitor,
        newcomer,
        fresh,
        unconfirmed,
        locked,
        totp,
        passkey,
        owner,
        single_sign_on,
        step_up,
        admin,
      ]) {
        const someone = await Someone.new(browser, demo, look, report, persona.name);
        try {
          await persona(someone);
        } finally {
          await someone.context.close();
        }
      }
    }
  } finally {
    await browser.close();
  }
  console.log(JSON.stringify(report, null, 2));
}

async function visitor(someone) {
  for (const path of ["/", "/login", "/register", "/forgot-password", "/login/link", "/dev/mailbox", "/nowhere"]) {
    await someone.open(path);
  }
}

/** Comes from an OpenID Provider; the third-party application is told of it by webhook. */
async function newcomer(someone) {
  const { page, demo } = someone;
  await page.goto(`${demo.host}/login`);
  await someone.click('a[href^="/login/with/lantern"]', "lantern");
  await someone.click("#person-nora", "home");
  const greeting = await page.locator("h1").innerText();
  await someone.open("/settings/connections");
  let told = false;
  for (let tries = 0; tries < 40 && !told; tries += 1) {
    await page.waitForTimeout(250);
    await page.goto(`${demo.app}/events`);
    told = (await page.locator(".event").count()) > 0;
  }
  await someone.look_at("events");
  someone.tell({ greeting, told });
}

async function fresh(someone) {
  await someone.become("fiona");
  await someone.open("/");
  for (const path of someone.demo.settings) await someone.open(path);
  await someone.open("/logout");
}

async function unconfirmed(someone) {
  await someone.become("uma");
  someone.tell({ at: someone.path() });
}

async function locked(someone) {
  await someone.become("liam");
  someone.tell({ at: someone.path(), problem: await someone.page.locator(".notice[role=alert]").innerText() });
}

async function totp(someone) {
  await someone.open("/", "home");
  const code = (await someone.page.locator("#persona-theo .code").innerText()).trim();
  await someone.become("theo");
  // A code works once, so one look must do.
  if (someone.look !== LOOKS[0].look) return;
  await someone.page.fill("#code", code);
  await someone.click("#submit", "logged-in");
  someone.tell({ at: someone.path() });
}

/** Needs scripts: a passkey is made and used by a virtual authenticator. */
async function passkey(someone) {
  if (someone.look !== LOOKS[0].look) return;
  const { page, demo } = someone;
  await someone.get_authenticator();
  await someone.become("pia");
  await page.goto(`${demo.host}/dev/mailbox`);
  const mail = page.locator("article.mail", { hasText: "pia@example.test" }).first();
  await page.goto(await mail.locator('a[href*="/login/link/open"]').first().getAttribute("href"));
  await someone.look_at("link");
  await someone.click("#submit", "passkeys");
  const added = someone.path();
  await page.fill("#name", "A key of Pia's");
  await page.click("#passkey");
  await page.waitForSelector(".passkey-name");
  await someone.look_at("passkey-added");
  // Codes for the day on which it is lost.
  await someone.open("/settings/two-factor", "codes-of-a-passkey");
  await page.click("#passkey-codes");
  await page.waitForSelector("#codes");
  await someone.look_at("codes");
  await someone.open("/settings/sessions", "sessions");
  await someone.open("/logout");
  await someone.click("#submit", "logged-out");
  await page.goto(`${demo.host}/login`);
  // The passkey may be offered in the field for the address at once; else the button does it.
  await page.click("#passkey").catch(() => {});
  await page.waitForURL((url) => url.pathname === "/");
  someone.tell({ added, greeting: await page.locator("h1").innerText() });
}

async function owner(someone) {
  await someone.become("olivia");
  await someone.page.click("text=Northwind");
  await someone.look_at("organization");
  for (const path of ["/", "/team", "/team/payout"]) await someone.open(path);
  someone.tell({ payout: await someone.page.locator("h1").innerText() });
}

/** Whose organization lets its people in through their identity provider alone. */
async function single_sign_on(someone) {
  await someone.comes_by_directory();
  someone.tell({ at: someone.path(), team: await someone.page.locator("h1").innerText() });
}

/** The same, who has a passkey here, too, and shows it beside: once, in a browser that he trusts. */
async function step_up(someone) {
  const { page, context } = someone;
  await someone.get_authenticator();
  await someone.comes_by_directory();
  const first = someone.look === LOOKS[0].look;
  if (first) {
    await someone.open("/settings/passkeys");
    await page.fill("#name", "A key of Sam's");
    await page.click("#passkey");
    await page.waitForSelector(".passkey-name");
    // Else the login page, which asks for a passkey by itself, would be answered before he clicks.
    await someone.is_there(false);
    await context.clearCookies({ name: "session" });
    await someone.comes_by_directory();
  }
  const STEP = "/login/again?factor=second&return_to=/team";
  await someone.open(STEP, "step-up");
  const asked = someone.path();
  if (!first) return;
  await page.check("#trust");
  await someone.is_there(true);
  await page.click("#passkey");
  await page.waitForURL((url) => url.pathname === "/team");
  await someone.is_there(false);
  await context.clearCookies({ name: "session" });
  await someone.comes_by_directory();
  await page.goto(someone.demo.host + STEP);
  someone.tell({ asked, trusted: someone.path() });
}

async function admin(someone) {
  await someone.become("ada");
  await someone.open("/admin/audit");
  await someone.open("/admin/webhooks");
  await someone.click("#webhooks a", "webhook");
  await someone.open("/admin/mails");
  await someone.open("/admin/organizations?name=northwind");
  await someone.page.click("text=Northwind");
  await someone.look_at("organization");
  await someone.open("/admin?email=olivia");
  await someone.page.click("text=olivia@example.test");
  await someone.look_at("user");
  await someone.page.fill("#reason", "a ticket of hers");
  await someone.click("#impersonate", "acting");
  const acting = await someone.page.locator("h1").innerText();
  await someone.open("/settings");
  await someone.open("/team");
  await someone.click("#stop-impersonation", "stopped");
  someone.tell({ acting, back: someone.path().startsWith("/admin/users/") });
}

class Someone {
  #shots = 0;

  static async new(browser, demo, { look, ...options }, report, name) {
    const javaScriptEnabled = ["passkey", "step_up"].includes(name);
    const context = await browser.newContext({ ...options, javaScriptEnabled, reducedMotion: "reduce" });
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    const someone = new Someone();
    Object.assign(someone, { demo, look, report, name, context, page });
    someone.devtools = await context.newCDPSession(page);
    await someone.devtools.send("Accessibility.enable");
    return someone;
  }

  path() {
    return new URL(this.page.url()).pathname;
  }

  tell(story) {
    this.report.stories[this.name] ??= story;
  }

  async get_authenticator() {
    const devtools = await this.context.newCDPSession(this.page);
    await devtools.send("WebAuthn.enable");
    const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        ctap2Version: "ctap2_1",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    this.is_there = (enabled) =>
      devtools.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled });
  }

  /** Logs in at the directory of the company. */
  async comes_by_directory() {
    await this.page.goto(this.demo.host);
    await this.click("#persona-sam a", "login");
    await this.click("#single-sign-on", "directory");
    await this.click("#user-sam", "continue");
    await this.click("#continue", "team");
  }

  async open(path, name = path.replace(/^\//, "").replaceAll(/[/?=]/g, "-") || "home") {
    await this.page.goto(this.demo.host + path);
    await this.look_at(name);
  }

  /** Presses the button of a persona on the first page. */
  async become(id) {
    await this.page.goto(this.demo.host);
    await this.click(`#persona-${id} button`, "begins");
  }

  async click(selector, name) {
    await Promise.all([this.page.waitForLoadState("load"), this.page.click(selector)]);
    await this.page.waitForLoadState("networkidle");
    await this.look_at(name);
  }

  async look_at(name) {
    const number = String(++this.#shots).padStart(2, "0");
    const file = `${this.name}-${number}-${name}.png`;
    await this.page.screenshot({ path: join(this.demo.screenshots, this.look, file), fullPage: true });
    this.report.pages += 1;
    const fault = (what) => this.report.faults.push(`${this.look} ${this.name} ${this.path()}: ${what}`);
    for (const what of await this.#unnamed()) fault(what);
    const shape = await this.page.evaluate(() => ({
      headings: document.querySelectorAll("h1").length,
      title: document.title.trim(),
      language: document.documentElement.lang,
      over: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    }));
    if (shape.headings !== 1) fault(`${shape.headings} headings of the first level`);
    if (!shape.title || !shape.language) fault("no title or no language");
    if (shape.over > 0) fault(`is ${shape.over} pixels too wide`);
    for (const what of await this.#unreachable()) fault(what);
  }

  /** The controls that a screen reader has no name for, and buttons that it cannot tell apart. */
  async #unnamed() {
    const { nodes } = await this.devtools.send("Accessibility.getFullAXTree");
    const controls = nodes.filter((node) => !node.ignored && NAMED.has(node.role?.value));
    const name = (node) => node.name?.value?.trim() ?? "";
    const nameless = controls.filter((node) => !name(node)).map((node) => `a ${node.role.value} without a name`);
    const buttons = controls.filter((node) => node.role.value === "button").map(name);
    // One that names what it is for may have a twin: two sessions with the same program.
    const twice = buttons.filter((name, at) => name && !name.includes(": ") && buttons.indexOf(name) !== at);
    return [...nameless, ...twice.map((name) => `more than one button is called ${name}`)];
  }

  /** What the Tab key does not come to in the order of the page, or does not show that it is at. */
  async #unreachable() {
    const expected = await this.page.evaluate(() => {
      document.activeElement?.blur();
      const all = document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary");
      const seen = [...all].filter((it) => it.checkVisibility({ visibilityProperty: true }) && !it.disabled);
      for (const [at, it] of seen.entries()) it.dataset.tab = String(at);
      return seen.length;
    });
    await this.page.mouse.click(1, 1);
    const faults = [];
    for (let at = 0; at < expected; at += 1) {
      await this.page.keyboard.press("Tab");
      const there = await this.page.evaluate(() => {
        const it = document.activeElement;
        const style = getComputedStyle(it);
        const ring = (style.outlineStyle !== "none" && style.outlineWidth !== "0px") || style.boxShadow !== "none";
        return { at: it.dataset.tab, what: it.outerHTML.slice(0, 80), ring };
      });
      if (there.at !== String(at)) {
        faults.push(`the Tab key comes to ${there.what} instead of control ${at}`);
        break;
      }
      if (!there.ring) faults.push(`nothing shows that the Tab key is at ${there.what}`);
    }
    return faults;
  }
}

await main();
