// Two people at two browsers (Debian's Chromium, without JavaScript): an owner invites somebody, who
// signs up behind the mailed link and is a member, until the owner removes them.
//
//   node invitation.mjs < {"chromium", "origin", "screenshots", "link",
//                          "owner": {"email", "password"}, "guest": {"email", "password"}}
//
// "link" is a file in which the mailed link will be. Prints what was seen.

import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
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
  const scene = JSON.parse(await text(process.stdin));
  await mkdir(scene.screenshots, { recursive: true });
  const owner = await Person.sitDown("owner", scene);
  const guest = await Person.sitDown("guest", scene);
  try {
    console.log(JSON.stringify(await play(owner, guest, scene), null, 2));
  } finally {
    await Promise.all([owner.leave(), guest.leave()]);
  }
}

async function play(owner, guest, { owner: boss, guest: friend, link }) {
  const report = {};
  await owner.open("/login", "login");
  await owner.fill(boss);
  await owner.click("#submit", "home");
  await owner.open("/settings/organizations", "no-organizations");
  await owner.page.fill("#name", "Initech");
  await owner.click("#submit", "organization");
  const place = new URL(owner.page.url()).pathname;
  report.place = place;

  await owner.page.fill("#email", friend.email);
  await owner.page.selectOption("#role", "member");
  await owner.click("#invite", "invited");
  report.invited = await owner.list("#invitations");

  await guest.page.goto(await mailed(link));
  await guest.shot("invitation");
  report.guest_reads = await guest.page.locator("h1").innerText();
  report.address = await guest.page.inputValue("#email");
  await guest.page.fill("#password", friend.password);
  await guest.click("#submit", "joined");
  report.guest_greeted = await guest.page.locator("body").innerText();
  await guest.open(place, "member");
  report.guest_sees = await guest.list("#members");
  report.guest_manages = await guest.page.locator("#invite, #delete, [action$='/remove']").count();

  await owner.open(place, "members");
  report.owner_sees = await owner.list("#members");
  report.invitations_left = await owner.page.locator("#invitations li").count();
  const row = owner.page.locator("#members li", { hasText: friend.email });
  await owner.press(row.locator("[action$='/remove'] button"), "removed");
  report.owner_sees_then = await owner.list("#members");

  report.guest_loses = await guest.status(place, "lost");
  await guest.open("/settings/organizations", "none-left");
  report.guest_has = await guest.page.locator("#no-organizations").count();
  report.link_again = await guest.status(await mailed(link), "over");
  return report;
}

/** The link in the mail, as soon as there is one. */
async function mailed(file) {
  for (let waited = 0; waited < PATIENCE; waited += 100) {
    const link = await readFile(file, "utf8").catch(() => "");
    if (link.endsWith("\n")) return link.trim();
    await sleep(100);
  }
  throw new Error("no mail came");
}

/** Somebody at a browser of their own, with a profile of its own. */
class Person {
  #shots = 0;

  static async sitDown(name, { chromium: executablePath, origin, screenshots }) {
    const person = new Person();
    const profile = await mkdtemp(join(tmpdir(), "donjon-browser-"));
    const browser = await chromium.launchPersistentContext(profile, {
      executablePath,
      args: FLAGS,
      javaScriptEnabled: false,
      viewport: { width: 1100, height: 800 },
    });
    const page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE);
    return Object.assign(person, { name, origin, screenshots, profile, browser, page });
  }

  async leave() {
    await this.browser.close();
    await rm(this.profile, { recursive: true, force: true });
  }

  async open(path, shot) {
    await this.page.goto(new URL(path, this.origin).href);
    await this.shot(shot);
  }

  /** Opens a page; answers its status. */
  async status(path, shot) {
    const response = await this.page.goto(new URL(path, this.origin).href);
    await this.shot(shot);
    return response.status();
  }

  async fill({ email, password }) {
    await this.page.fill("#email", email);
    await this.page.fill("#password", password);
  }

  async click(selector, shot) {
    await this.press(this.page.locator(selector), shot);
  }

  async press(button, shot) {
    await Promise.all([this.page.waitForNavigation(), button.click()]);
    await this.shot(shot);
  }

  /** What the lines of a list begin with. */
  async list(selector) {
    return this.page.locator(`${selector} li > div`).allInnerTexts();
  }

  async shot(name) {
    const number = String(++this.#shots).padStart(2, "0");
    const path = join(this.screenshots, `${this.name}-${number}-${name}.png`);
    await this.page.screenshot({ path, fullPage: true });
  }
}

await main();
