/** A console without a gateway whose users log in through an OpenID provider, and a browser that does what they do. */
import { z } from "zod";
import { OIDC_ROUTES } from "../../../src/admin/api/oidc.ts";
import { SESSION_ROUTES } from "../../../src/admin/api/session.ts";
import type { OidcSettings } from "../../../src/admin/oidc/settings.ts";
import { json } from "../../../src/admin/replies.ts";
import { route, type Route } from "../../../src/admin/route.ts";
import { RouteTable } from "../../../src/admin/route-table.ts";
import { dispatch } from "../../../src/admin/routes.ts";
import { bySession } from "../../../src/admin/sessions/by-session.ts";
import type { Sessions } from "../../../src/admin/sessions/sessions.ts";
import { byToken, ROLES } from "../../../src/admin/viewer.ts";
import { bytesOf, type HeaderLine, type Reply } from "../../../src/common/message.ts";
import { anArrival, text } from "../../kit/line.ts";
import { CLIENT } from "../../kit/openid-provider.ts";
import { aPerson, testSessions } from "../../kit/sessions.ts";

export const HOST = "127.0.0.1:9640";
export const CONSOLE = `http://${HOST}`;

export const aProviderSetting = (issuer: string, over: Partial<OidcSettings> = {}): OidcSettings => ({
  issuer,
  client_id: CLIENT.id,
  client_secret: CLIENT.secret,
  client_auth: "basic",
  ca: null,
  clock_skew: 30_000,
  name: null,
  address: null,
  scopes: ["openid", "profile"],
  claims: { user: "preferred_username", role: "roles", tenants: null },
  roles: { viewer: ["viewer"], operator: ["operator"], auditor: ["auditor"] },
  all_tenants: null,
  tenants: [
    { name: "Alpha Tenant", dbid: 101 },
    { name: "Beta Tenant", dbid: 102 },
  ],
  ...over,
});

type Deps = { readonly sessions: Sessions };

const ROWS: readonly Route<Deps>[] = [
  ...(SESSION_ROUTES as readonly Route<Deps>[]),
  ...OIDC_ROUTES,
  route({
    method: "GET",
    path: "/api/read",
    summary: "",
    roles: [...ROLES],
    scope: "by-tenant",
    reply: z.unknown(),
    answer: (_: Deps, { viewer }) => json(200, { name: viewer.name, roles: viewer.roles, tenants: viewer.tenants }),
  }),
];

type Asked = {
  readonly method?: string;
  /** Undefined for a header that is not sent. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  readonly source?: string;
};

/** As a browser: it keeps cookies, but sends those with SameSite=Strict only for what the console itself asks. */
export class TestBrowser {
  readonly cookies = new Map<string, { readonly value: string; readonly site: string }>();
  readonly #handle: (asked: string, how: Asked) => Promise<Reply>;
  constructor(handle: (asked: string, how: Asked) => Promise<Reply>) {
    this.#handle = handle;
  }

  /** As a script of the console. */
  ask(target: string, { method = "GET", headers, body, source = "127.0.0.1" }: Asked = {}): Promise<Reply> {
    const own = { Host: HOST, Origin: CONSOLE, "Sec-Fetch-Site": "same-origin", Cookie: this.#cookies(() => true) };
    return this.#send(target, { method, headers: { ...own, ...headers }, body, source });
  }

  /** As a browser that another site sends to this address of the console. */
  arrive(url: URL, source = "127.0.0.1"): Promise<Reply> {
    return this.#send(url.pathname + url.search, {
      source,
      headers: {
        Host: HOST,
        Accept: "text/html",
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
        Cookie: this.#cookies((site) => site === "Lax"),
      },
    });
  }

  /** Begins a login; resolves to the provider's address. */
  async begin(page = "/"): Promise<string> {
    const reply = await this.ask("/api/session/oidc", { method: "POST", body: { return: page } });
    if (reply.status !== 200) throw new Error(`${reply.status}: ${text(reply)}`);
    return (valueOf(reply) as { address: string }).address;
  }

  #cookies(sends: (site: string) => boolean): string {
    return [...this.cookies].flatMap(([name, { value, site }]) => (sends(site) ? [`${name}=${value}`] : [])).join("; ");
  }

  async #send(target: string, how: Asked): Promise<Reply> {
    const reply = await this.#handle(target, how);
    for (const [name, line] of reply.headers) {
      if (name !== "Set-Cookie") continue;
      const [, cookie, value] = /^([^=]+)=([^;]*)/.exec(line)!;
      if (/Max-Age=0\b/.test(line)) this.cookies.delete(cookie!);
      else this.cookies.set(cookie!, { value: value!, site: /SameSite=(\w+)/.exec(line)![1]! });
    }
    return reply;
  }
}

export const valueOf = (reply: Reply): Record<string, unknown> => JSON.parse(text(reply)) as Record<string, unknown>;

const sentOf = (headers: NonNullable<Asked["headers"]>): HeaderLine[] =>
  Object.entries(headers).flatMap(([name, value]): HeaderLine[] => (value === undefined ? [] : [[name, value]]));

export const aConsole = (settings?: OidcSettings) => {
  const kit = testSessions([aPerson("alice")]);
  kit.setOidc(settings);
  const whoAsks = bySession(kit.sessions, byToken({ token: "secret", auditDir: "/audit" }));
  const deps = { sessions: kit.sessions, whoAsks };
  const handler = dispatch(new RouteTable<typeof deps>(ROWS), deps);
  const handle = (
    target: string,
    { method = "GET", headers = {}, body, source = "127.0.0.1" }: Asked,
  ): Promise<Reply> =>
    Promise.resolve(
      handler({
        ...anArrival({ method, target, headers: sentOf(headers) }),
        source,
        body: () => Promise.resolve(bytesOf(body === undefined ? "" : JSON.stringify(body))),
      }),
    );
  return { ...kit, browser: () => new TestBrowser(handle) };
};
