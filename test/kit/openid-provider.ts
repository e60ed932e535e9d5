/** A real OpenID provider (oidc-provider) on loopback, with a login form that accepts any password. */
import { generateKeyPairSync } from "node:crypto";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
// @ts-expect-error: it brings no types.
import Untyped from "oidc-provider";

type Provider = {
  readonly callback: () => RequestListener;
  readonly Grant: new (of: { readonly clientId: string; readonly accountId: string }) => {
    readonly addOIDCScope: (scopes: string) => void;
    readonly save: () => Promise<string>;
  };
};
const Provider = Untyped as unknown as new (issuer: string, configuration: object) => Provider;

export const CLIENT = { id: "ocsgw-console", secret: "a secret of the console: + / % &" };

export type OpenIdProvider = {
  readonly issuer: string;
  /** Claims of a user, besides `sub`; read at each login. */
  readonly users: Map<string, Readonly<Record<string, unknown>>>;
  /** To be called once the console's address is known. */
  readonly serve: (console: string, options?: Serving) => void;
  /** Logs a user in at an address to which the console has sent the browser; resolves to the callback's address. */
  readonly logIn: (address: string, user: string) => Promise<URL>;
  /** The paths of all requests so far. */
  readonly asked: readonly string[];
  readonly stop: () => Promise<void>;
};

/** `inIdToken`: all claims are in the ID token, and not only in the provider's other answer (UserInfo). */
type Serving = { readonly inIdToken?: boolean; readonly auth?: "client_secret_basic" | "client_secret_post" | "none" };

type Tls = { readonly cert: string; readonly key: string };

const KEY = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });

type Context = {
  readonly oidc: {
    readonly client: { readonly clientId: string };
    readonly session: { readonly accountId: string };
    readonly provider: Provider;
  };
};

/** `port`: a free one unless given. */
export const anOpenIdProvider = async (tls?: Tls, port = 0): Promise<OpenIdProvider> => {
  const users: OpenIdProvider["users"] = new Map();
  const asked: string[] = [];
  const server = tls ? createTlsServer(tls) : createServer();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const issuer = `${tls ? "https" : "http"}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  server.on("request", ({ url = "" }: { readonly url?: string }) => void asked.push(url.split("?", 1)[0]!));
  return {
    issuer,
    users,
    asked,
    serve: (console, { inIdToken = false, auth = "client_secret_basic" } = {}) => {
      const provider = new Provider(issuer, {
        clients: [
          {
            client_id: CLIENT.id,
            ...(auth !== "none" && { client_secret: CLIENT.secret }),
            token_endpoint_auth_method: auth,
            redirect_uris: [`${console}/login/callback`],
            post_logout_redirect_uris: [`${console}/`],
          },
        ],
        jwks: { keys: [{ ...KEY, use: "sig", alg: "RS256" }] },
        cookies: { keys: ["of a test"] },
        conformIdTokenClaims: !inIdToken,
        claims: { openid: ["sub"], profile: ["preferred_username", "roles", "tenants", "realm_access"] },
        findAccount: (_: unknown, id: string) => ({
          accountId: id,
          claims: () => ({ sub: `id-of-${id}`, ...users.get(id) }),
        }),
        // Nobody is asked whether the console may know who logs in.
        loadExistingGrant: async ({ oidc: { client, session, provider: own } }: Context) => {
          const grant = new own.Grant({ clientId: client.clientId, accountId: session.accountId });
          grant.addOIDCScope("openid profile");
          await grant.save();
          return grant;
        },
        ttl: { AccessToken: 60, AuthorizationCode: 60, IdToken: 60, Interaction: 60, Session: 60, Grant: 60 },
      });
      server.on("request", provider.callback());
    },
    logIn: (address, user) => follow(address, user, issuer),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

/** As a browser: with cookies, along redirects, through the form, until it is sent away from the provider. */
const follow = async (address: string, user: string, issuer: string): Promise<URL> => {
  const cookies = new Map<string, string>();
  let [url, form]: [URL, URLSearchParams | undefined] = [new URL(address), undefined];
  for (let hop = 0; hop < 10; hop++) {
    const reply: Response = await fetch(url, {
      redirect: "manual",
      headers: { Cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
      ...(form && { method: "POST", body: form }),
    });
    for (const each of reply.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(each)!;
      cookies.set(name!, value!);
    }
    const text = await reply.text();
    const location = reply.headers.get("location");
    if (location !== null) [url, form] = [new URL(location, url), undefined];
    else {
      const [, action] = /<form[^>]* action="([^"]+)"/.exec(text) ?? [];
      if (action === undefined) throw new Error(`the provider answered ${reply.status}: ${text.slice(0, 500)}`);
      [url, form] = [new URL(action, url), new URLSearchParams({ prompt: "login", login: user, password: "any" })];
    }
    if (url.origin !== issuer) return url;
  }
  throw new Error("the provider sends the browser around in circles");
};
