// Debian's Chromium logs in with another provider: signs up, comes again, and links the provider to an
// account that was there before.
//
//   node social.mjs < {"chromium", "origin", "screenshots", "door", "newcomer": […], "other": […],
//                      "user": {"email", "password"}}
//
// "newcomer" and "other" are people at the provider: what each fills in on its pages, one after the
// other, by the names of fields, and the buttons they press.

import { browse } from "./chromium.mjs";

await browse(
  async (visitor, demo) => {
    const report = {};
    await visitor.open("/login", "login");
    await visitor.click(`a:text-is("${demo.door}")`, "at-the-provider");
    report.signed_up = await answer(visitor, demo.newcomer);
    await visitor.shoot("signed-up");
    await visitor.logOut();

    await visitor.open("/login");
    await visitor.click(`a:text-is("${demo.door}")`);
    report.came_again = await answer(visitor, []);
    await visitor.open("/settings", "settings");
    report.settings = await visitor.text("main");
    await visitor.logOut();

    // Somebody else's browser.
    await visitor.page.context().clearCookies();
    report.by_password = await visitor.logIn(demo.user);
    await visitor.open("/settings/connections", "not-linked");
    await visitor.click("#link-other", "linking");
    await answer(visitor, demo.other);
    await visitor.shoot("linked");
    report.linked = [visitor.path, await visitor.text("#linked-other")];
    await visitor.logOut();
    await visitor.open("/login");
    await visitor.click(`a:text-is("${demo.door}")`);
    report.by_provider = await answer(visitor, []);

    await visitor.open("/settings/connections");
    if (visitor.path === "/login/again") {
      // The provider did not say that it asked for anything.
      await visitor.fill({ password: demo.user.password });
      await visitor.click("#submit", "proven-again");
    }
    await visitor.click("#unlink-other", "unlinked");
    report.unlinked = await visitor.shows("#link-other");
    return report;
  },
  { ignoreHTTPSErrors: true },
);

/** Fills in the provider's pages until it sends the browser back; returns what the application says. */
async function answer(visitor, steps) {
  const isBack = () => visitor.page.url().startsWith(visitor.demo.origin);
  for (const { fields, button } of steps) {
    if (isBack()) break;
    for (const [name, value] of Object.entries(fields)) await visitor.page.fill(`[name="${name}"]`, value);
    await visitor.click(button, "at-the-provider");
  }
  if (!isBack()) throw new Error(`still at ${visitor.page.url()}: ${await visitor.text()}`);
  return visitor.text();
}
