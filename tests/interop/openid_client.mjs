// The third-party client: npm `openid-client` against a running host.
//
//   node openid_client.mjs < request.json
//
// `{"keys": true}` prints a fresh key pair as JWKs. `{"issuer", "api", "user": {"email", "password"},
// "clients": [{…RFC 7591 metadata}], "machine": {…}}` walks every client through the whole trip and prints what
// it saw. A fault that `openid-client` finds in an answer ends the script with that fault.

import { text } from "node:stream/consumers";
import * as client from "openid-client";
import { exportJWK, generateKeyPair, importJWK } from "jose";
import { UserAgent } from "./user_agent.mjs";

const SCOPE = "openid profile email offline_access api:read";

async function main() {
  const request = JSON.parse(await text(process.stdin));
  const report = request.keys ? await keys() : await trips(request);
  console.log(JSON.stringify(report, null, 2));
}

async function keys() {
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const described = { kid: "interop", alg: "ES256", use: "sig" };
  return { private: { ...(await exportJWK(privateKey)), ...described }, public: { ...(await exportJWK(publicKey)), ...described } };
}

async function trips({ issuer, api, user, clients, machine }) {
  const report = { clients: {} };
  for (const metadata of clients) {
    const config = await discover(issuer, metadata);
    report.discovery ??= config.serverMetadata();
    report.clients[metadata.client_id] = await trip(config, metadata.redirect_uris[0], api, user);
  }
  if (machine) report.machine = await clientCredentials(await discover(issuer, machine), api);
  return report;
}

async function discover(issuer, { private_key, ...metadata }) {
  const config = await client.discovery(
    new URL(issuer),
    metadata.client_id,
    metadata,
    await authentication(metadata, private_key),
    issuer.startsWith("http://") ? { execute: [client.allowInsecureRequests] } : {},
  );
  client.enableNonRepudiationChecks(config); // check ID-token signatures too, not only TLS
  return config;
}

async function authentication(metadata, privateKey) {
  switch (metadata.token_endpoint_auth_method) {
    case "none":
      return client.None();
    case "client_secret_post":
      return client.ClientSecretPost(metadata.client_secret);
    case "private_key_jwt":
      return client.PrivateKeyJwt({ key: await importJWK(privateKey, "ES256"), kid: privateKey.kid });
    default:
      return client.ClientSecretBasic(metadata.client_secret);
  }
}

// --- One client's whole trip -------------------------------------------------------------------------------------

async function trip(config, redirectUri, api, user) {
  const isPublic = config.clientMetadata().token_endpoint_auth_method === "none";
  const browser = new UserAgent();
  const report = {};

  const first = await authorize(config, redirectUri, browser, user, { prompt: "consent" });
  report.pages = first.pages;
  const tokens = await first.redeem();
  const claims = tokens.claims();
  report.tokens = { ...tokens };
  report.nonce = first.nonce;
  report.claims = claims;
  report.userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
  report.api = await callApi(config, api, tokens.access_token);
  if (!isPublic) report.introspection = await client.tokenIntrospection(config, tokens.access_token);
  report.refresh = await refresh(config, tokens.refresh_token);

  report.wrong_verifier = await failure((await authorize(config, redirectUri, browser, user)).redeem({ pkceCodeVerifier: "x".repeat(43) }));
  report.replay = await replay(config, redirectUri, browser, user, api);
  report.revocation = await revocation(config, redirectUri, browser, user, api, isPublic);
  return report;
}

/** Takes the browser from the client to its redirect URI, through whatever pages the host shows. */
async function authorize(config, redirectUri, browser, user, extra = {}) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const [expectedState, expectedNonce] = [client.randomState(), client.randomNonce()];
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: SCOPE,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
    state: expectedState,
    nonce: expectedNonce,
    ...extra,
  });

  const pages = [];
  const options = { stopAt: redirectUri };
  let page = await browser.open(url.href, options);
  if (page.has("password")) {
    pages.push("login");
    page = await browser.submit(page, "submit", user, options);
  }
  if (page.has("approve")) {
    pages.push("consent");
    page = await browser.submit(page, "approve", {}, options);
  }
  if (!page.url.startsWith(redirectUri)) throw new Error(`stranded on ${page.url} (${page.status}):\n${page.html}`);

  const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true };
  const redeem = (other = {}) => client.authorizationCodeGrant(config, new URL(page.url), { ...checks, ...other });
  return { pages, nonce: expectedNonce, redeem };
}

/** Rotation, the grace window's one successor, and the end of a family whose old token comes back. */
async function refresh(config, original) {
  const first = await client.refreshTokenGrant(config, original);
  const again = await client.refreshTokenGrant(config, original);
  const second = await client.refreshTokenGrant(config, first.refresh_token);
  return {
    rotates: first.refresh_token !== original,
    repeats_successor: again.refresh_token === first.refresh_token,
    fresh_access_token: again.access_token !== first.access_token,
    rotates_again: second.refresh_token !== first.refresh_token,
    reuse: await failure(client.refreshTokenGrant(config, original)),
    after_reuse: await failure(client.refreshTokenGrant(config, second.refresh_token)),
  };
}

/** The session and the consent are remembered, so no page is shown; a code is good once. */
async function replay(config, redirectUri, browser, user, api) {
  const { pages, redeem } = await authorize(config, redirectUri, browser, user);
  const tokens = await redeem();
  return {
    pages,
    before: (await callApi(config, api, tokens.access_token)).status,
    second_use: await failure(redeem()),
    access_after: (await callApi(config, api, tokens.access_token)).status,
  };
}

async function revocation(config, redirectUri, browser, user, api, isPublic) {
  const { redeem } = await authorize(config, redirectUri, browser, user, { prompt: "consent" });
  const tokens = await redeem();
  const before = (await callApi(config, api, tokens.access_token)).status;
  await client.tokenRevocation(config, tokens.refresh_token, { token_type_hint: "refresh_token" });
  return {
    before,
    refresh_after: await failure(client.refreshTokenGrant(config, tokens.refresh_token)),
    access_after: (await callApi(config, api, tokens.access_token)).status,
    userinfo_after: await failure(client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)),
    introspection_after: isPublic ? null : await client.tokenIntrospection(config, tokens.access_token),
    unknown_token: await failure(client.tokenRevocation(config, "never-issued")),
  };
}

async function clientCredentials(config, api) {
  const tokens = await client.clientCredentialsGrant(config, { scope: "api:read" });
  return {
    tokens: { ...tokens },
    api: await callApi(config, api, tokens.access_token),
    too_much: await failure(client.clientCredentialsGrant(config, { scope: "api:write" })),
  };
}

async function callApi(config, api, accessToken) {
  try {
    const response = await client.fetchProtectedResource(config, accessToken, new URL(api), "GET");
    return { status: response.status, body: await response.json() };
  } catch (error) {
    if (!error.response) throw error;
    return { status: error.response.status, challenge: error.response.headers.get("www-authenticate") };
  }
}

/** What a call that must fail failed with: the OAuth error code; `null` if it did not. */
async function failure(call) {
  try {
    await call;
    return null;
  } catch (error) {
    if (error.error) return error.error;
    if (error.cause?.[0]?.parameters?.error) return error.cause[0].parameters.error;
    throw error;
  }
}

await main();
