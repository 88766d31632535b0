// A browser without JavaScript, as far as a login needs one: cookies, redirects and forms.

export class UserAgent {
  #cookies = new Map();

  /** Follows redirects from `url` until a page answers, or until a redirect leads to `stopAt`. */
  async open(url, { stopAt, method = "GET", body } = {}) {
    for (let hop = 0; hop < 20; hop++) {
      const response = await fetch(url, {
        method,
        body,
        redirect: "manual",
        headers: {
          accept: "text/html",
          cookie: this.#cookieHeader(url),
          ...(body && { origin: new URL(url).origin, "sec-fetch-site": "same-origin" }),
        },
      });
      this.#remember(url, response);
      const location = response.headers.get("location");
      if (!location) return new Page(url, response.status, await response.text());
      url = new URL(location, url).href;
      if (stopAt && url.startsWith(stopAt)) return new Page(url, response.status, "");
      if (response.status !== 307 && response.status !== 308) [method, body] = ["GET", undefined];
    }
    throw new Error(`too many redirects, the last to ${url}`);
  }

  /** Fills in and sends the form that holds the button with this id. */
  submit(page, buttonId, values = {}, options = {}) {
    const { action, method, fields } = page.form(buttonId);
    for (const [id, value] of Object.entries(values)) {
      const field = fields.find((field) => field.id === id);
      if (!field) throw new Error(`no #${id} on ${page.url}`);
      field.value = value;
    }
    const data = new URLSearchParams(fields.filter((field) => field.name).map((field) => [field.name, field.value]));
    if (method === "POST") return this.open(action, { ...options, method, body: data });
    const url = new URL(action);
    url.search = data;
    return this.open(url.href, options);
  }

  #cookieHeader(url) {
    const { hostname, pathname } = new URL(url);
    const sent = [...this.#cookies.values()].filter(
      (cookie) => cookie.host === hostname && `${pathname}/`.startsWith(cookie.path.replace(/\/?$/, "/")),
    );
    return sent.map((cookie) => `${cookie.name}=${cookie.value}`).join("; ");
  }

  #remember(url, response) {
    const { hostname } = new URL(url);
    for (const line of response.headers.getSetCookie()) {
      const [pair, ...rest] = line.split(";").map((part) => part.trim());
      const attributes = Object.fromEntries(rest.map((part) => part.toLowerCase().split("=")));
      const [name, value] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
      const cookie = { host: hostname, path: attributes.path ?? "/", name, value };
      const key = `${cookie.host} ${cookie.path} ${cookie.name}`;
      if (Number(attributes["max-age"]) <= 0) this.#cookies.delete(key);
      else this.#cookies.set(key, cookie);
    }
  }
}

export class Page {
  constructor(url, status, html) {
    Object.assign(this, { url, status, html });
  }

  has(id) {
    return this.#tags("[a-z0-9]+").some((tag) => tag.id === id);
  }

  /** The form around the button with this id: where it goes, and what it sends. */
  form(buttonId) {
    for (const [, opening, inside] of this.html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gis)) {
      const fields = tags("input|button|select|textarea", inside);
      const button = fields.find((field) => field.id === buttonId);
      if (!button) continue;
      const form = attributes(opening);
      const sent = fields.filter((field) => field === button || (field.tag !== "button" && !isOff(field)));
      return {
        action: new URL(button.formaction ?? form.action ?? this.url, this.url).href,
        method: (form.method ?? "get").toUpperCase(),
        fields: sent.map((field) => ({ ...field, value: field.value ?? "" })),
      };
    }
    throw new Error(`no form with #${buttonId} on ${this.url} (${this.status}):\n${this.html}`);
  }

  #tags(names) {
    return tags(names, this.html);
  }
}

function isOff(field) {
  return ["checkbox", "radio"].includes(field.type) && !("checked" in field);
}

function tags(names, html) {
  const found = html.matchAll(new RegExp(`<(${names})\\b((?:"[^"]*"|'[^']*'|[^>"'])*)>`, "gi"));
  return [...found].map(([, tag, inside]) => ({ ...attributes(inside), tag: tag.toLowerCase() }));
}

function attributes(text) {
  const found = text.matchAll(/([a-z][\w-]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/gi);
  return Object.fromEntries([...found].map(([, name, a, b, c]) => [name.toLowerCase(), plain(a ?? b ?? c ?? "")]));
}

function plain(text) {
  const named = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) =>
    name ? (named[name] ?? whole) : String.fromCodePoint(hex ? parseInt(hex, 16) : Number(decimal)),
  );
}
