// An administrator acts as a user in Debian's Chromium, without JavaScript.
//
//   node impersonation.mjs < {"chromium", "origin", "screenshots", "administrator": {…}, "user": {…},
//                             "pages": […], "later"}
//
// The application's clock goes on by so many minutes as the address "later" is asked for.

import { browse } from "./chromium.mjs";

await browse(
  async (visitor, demo) => {
    const report = {};
    report.before = await visitor.logIn(demo.administrator);

    report.acting = await act(visitor, demo);
    report.pages = {};
    for (const path of demo.pages) {
      const status = await visitor.open(path, path.slice(1).replaceAll("/", "-"));
      const banner = (await visitor.shows("form.banner")) && (await visitor.text("form.banner"));
      report.pages[path] = { status, at: visitor.path, banner };
    }
    await visitor.open("/settings/delete");
    await visitor.click("#stop-impersonation", "stopped");
    report.stopped = { at: visitor.path, banner: await visitor.shows("form.banner") };
    await visitor.open("/");
    report.after = await visitor.text();

    await act(visitor, demo);
    await visitor.page.request.get(`${demo.origin}${demo.later}?minutes=14`);
    await visitor.open("/");
    report.at_fourteen = await visitor.text();
    await visitor.page.request.get(`${demo.origin}${demo.later}?minutes=15`);
    await visitor.open("/", "over");
    report.at_twenty_nine = await visitor.text();
    report.users_page = [await visitor.open("/settings"), visitor.path];
    report.logged_in_again = await visitor.logIn(demo.administrator);
    report.office = [await visitor.open("/admin"), visitor.path];
    return report;
  },
  { javaScriptEnabled: false },
);

/** From the list of users to the application, as one of them; returns what it says there. */
async function act(visitor, { user }) {
  await visitor.open("/admin", "users");
  await visitor.fill({ email: user.email });
  await visitor.click("#search");
  await visitor.click(`#users a:text-is("${user.email}")`, "user");
  await visitor.fill({ reason: "They cannot find their invoice" });
  await visitor.click("#impersonate", "acting");
  return visitor.text();
}
