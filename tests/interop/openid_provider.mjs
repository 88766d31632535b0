// npm `oidc-provider` on loopback over TLS: an OpenID Provider that shares no code with ours.
// Reads one JSON object from the environment variable CONFIG, and listens until it is killed.

import { createServer } from 'node:https';
import { Provider } from 'oidc-provider';

const { port, certificate, key, client } = JSON.parse(process.env.CONFIG);

const provider = new Provider(`https://localhost:${port}`, {
  clients: [client],
  pkce: { required: () => true },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  // So that what is asked for is only told at the UserInfo endpoint, as the specification has it.
  conformIdTokenClaims: true,
  features: { devInteractions: { enabled: true } },
  cookies: { keys: ['a key for the cookies of a test'] },
  findAccount: (_, sub) => ({
    accountId: sub,
    claims: () => ({ sub, email: `${sub}@example.test`, email_verified: true, name: `The ${sub}` }),
  }),
});

createServer({ cert: certificate, key }, provider.callback()).listen(port, '127.0.0.1');
