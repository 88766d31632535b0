// Debian's Chromium, as the scripts beside this one need it: the question is read from standard input,
// what was seen is printed as JSON, and pictures are left in the folder `screenshots` of the question.

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
const PATIENCE = 30_000;

/** Tells the story in a browser that was never anywhere; whatever it returns is printed. */
export async function browse(story, options = {}) {
  const demo = JSON.parse(await text(process.stdin));
  await mkdir(demo.screenshots, { recursive: true });
  const profile = await mkdtemp(join(tmpdir(), "donjon-browser-"));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: demo.chromium,
    args: FLAGS,
    viewport: { width: 1100, height: 800 },
    ...options,
  });
  try {
    const visitor = new Visitor(await browser.newPage(), demo);
    const report = await story(visitor, demo);
    console.log(JSON.stringify({ ...report, complaints: visitor.complaints }, null, 2));
  } finally {
    await browser.close();
    await rm(profile, { recursive: true, force: true });
  }
}

class Visitor {
  complaints = [];
  #shots = 0;

  constructor(page, demo) {
    Object.assign(this, { page, demo });
    page.setDefaultTimeout(PATIENCE);
    page.on("pageerror", (error) => this.complaints.push(String(error)));
  }

  /** Goes to a path of the application; returns the status of the answer. */
  async open(path, shot) {
    const response = await this.page.goto(new URL(path, this.demo.origin).href);
    if (shot) await this.shoot(shot);
    return response.status();
  }

  async click(selector, shot) {
    const left = this.page.waitForEvent("framenavigated");
    await this.page.click(selector);
    await left;
    await this.page.waitForLoadState();
    if (shot) await this.shoot(shot);
  }

  async fill(fields) {
    for (const [id, value] of Object.entries(fields)) await this.page.fill(`#${id}`, value);
  }

  shows(selector) {
    return this.page.locator(selector).first().isVisible();
  }

  text(selector = "body") {
    return this.page.locator(selector).first().innerText();
  }

  /** The path that the browser is at. */
  get path() {
    return new URL(this.page.url()).pathname;
  }

  /** Logs in with a password; returns what the application then says. */
  async logIn({ email, password }, shot) {
    await this.open("/login");
    await this.fill({ email, password });
    await this.click("#submit", shot);
    return this.text();
  }

  async logOut() {
    await this.open("/logout");
    await this.click("#submit");
  }

  async shoot(name) {
    this.#shots += 1;
    const number = String(this.#shots).padStart(2, "0");
    await this.page.screenshot({ path: join(this.demo.screenshots, `${number}-${name}.png`), fullPage: true });
  }
}
