/** Clients of the stopwatch run: what six kinds of clients send in an ordinary hour, and what attackers try. */
import { Agent, request } from "node:http";
import type { Dialed } from "../../src/sandbox/dialer/dialer.ts";
import { listByName } from "../../src/sandbox/world/directory.ts";
import type { SandboxOcs } from "../../src/sandbox/start.ts";

export type Asked = {
  readonly client: string;
  readonly method?: "GET" | "POST";
  readonly path: string;
  readonly body?: object | string;
  readonly headers?: Readonly<Record<string, string>>;
  /** In place of the client's own. */
  readonly key?: string;
};

export type Answered = { readonly status: number; readonly headers: Readonly<Record<string, string | undefined>> };

/** `keys`: API keys by client. */
export class Clients {
  readonly #port: number;
  readonly #keys: ReadonlyMap<string, string>;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 12 });

  constructor(port: number, keys: ReadonlyMap<string, string>) {
    this.#port = port;
    this.#keys = keys;
  }

  ask({ client, method = "POST", path, body, headers = {}, key = this.#keys.get(client) }: Asked): Promise<Answered> {
    const text = typeof body === "string" ? body : body === undefined ? "" : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          host: "127.0.0.1",
          port: this.#port,
          agent: this.#agent,
          method,
          path,
          headers: {
            ...(key !== undefined && { Authorization: `Basic ${Buffer.from(`${client}:${key}`).toString("base64")}` }),
            ...(text !== "" && { "Content-Type": "application/json" }),
            ...(method === "POST" && { "Content-Length": String(Buffer.byteLength(text)) }),
            ...headers,
          },
        },
        (answer) => {
          answer.resume().once("end", () =>
            resolve({
              status: answer.statusCode!,
              headers: answer.headers as Readonly<Record<string, string | undefined>>,
            }),
          );
        },
      );
      sent.once("error", reject).end(text);
    });
  }

  /** All of them, at most twelve at a time. Resolves to the requests that were not answered by OCS. */
  async all(wanted: readonly Asked[]): Promise<readonly string[]> {
    const strange: string[] = [];
    const next = wanted.values();
    const work = async (): Promise<void> => {
      for (const asked of next) {
        const { status, headers } = await this.ask(asked);
        if (headers["ocsgw-origin"] !== "ocs" || status >= 500)
          strange.push(`${asked.client} ${asked.path}: ${status} ${headers["ocsgw-code"] ?? ""}`);
      }
    };
    await Promise.all(Array.from({ length: 12 }, work));
    return strange;
  }

  close(): void {
    this.#agent.destroy();
  }
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, at) => at);
const phone = (at: number): string => `41555501${String(at % 60).padStart(2, "0")}`;

export const dial = (ocs: SandboxOcs, list: string, count: number): Promise<Dialed> =>
  ocs.dialer.dial({ count, lists: [listByName(ocs.world, list)!] });

/** Dials records, and what the strategies (ORS) do about each: during the call, and after it. Clients by list. */
export const strategies = async (
  ocs: SandboxOcs,
  lists: Readonly<Record<string, string>>,
): Promise<{ readonly during: readonly Asked[]; readonly after: readonly Asked[] }> => {
  const calls: { readonly client: string; readonly handle: number }[] = [];
  for (const [list, client] of Object.entries(lists)) {
    const { retrieved } = await dial(ocs, list, 40);
    calls.push(...retrieved.map(({ handle }) => ({ client, handle })));
  }
  return {
    during: calls.map(({ client, handle }) => ({
      client,
      path: `/records/${handle}?req=UpdateCallCompletionStats`,
      body: { GSW_CALL_RESULT: 33 },
    })),
    after: calls.map(({ client, handle }) => ({
      client,
      path: `/records/${handle}?req=RecordProcessed`,
      body: { CUSTOMER_STATUS: 2 },
    })),
  };
};

/** The other five kinds: an IVR, a CRM of two tenants, an operator's tool, a CRM of one tenant, and a monitor. */
export const others = (count: number): Asked[] =>
  numbers(count).map((at) => {
    const [kind, turn] = [at % 5, Math.floor(at / 5)];
    if (kind === 0) return { client: "alpha-ivr", path: `/phones/${phone(turn)}?req=DoNotCall` };
    if (kind === 1) return sharedCrm(turn);
    if (kind === 2) return operator(turn);
    if (kind === 3) return gammaCrm(turn);
    return { client: "monitor", method: "GET", path: turn % 4 === 0 ? "/campaigngroups" : "/campaigngroups/344" };
  });

const sharedCrm = (turn: number): Asked => {
  const [tenant, list, campaign] =
    turn % 2 === 0
      ? (["Alpha Tenant", "Alpha%20List", "Alpha Campaign 1"] as const)
      : (["102", "Beta%20List", "Beta Campaign 2"] as const);
  return {
    client: "shared-crm",
    path: `/lists/${list}?req=AddRecord`,
    headers: { "Ocsgw-Tenant": tenant },
    body: { GSW_CAMPAIGN_NAME: campaign, GSW_PHONE: phone(turn), GSW_TZ_NAME: "PST", CUSTOMER_CODE: turn },
  };
};

const operator = (turn: number): Asked =>
  turn % 3 === 0
    ? {
        client: "beta-ops",
        path: "/campaigngroups/260?req=SetDialingMode",
        body: { GSW_CM_AttrDialMode: 1, GSW_CM_AttrOptimizeBy: 1, GSW_CM_AttrOptimizeGoal: 70 + (turn % 20) },
      }
    : { client: "beta-ops", method: "GET", path: "/campaigngroups/267" };

const gammaCrm = (turn: number): Asked =>
  turn % 2 === 0
    ? { client: "gamma-crm", path: `/customer_ids/G-${String(turn % 60).padStart(4, "0")}?req=DoNotCall` }
    : {
        client: "gamma-crm",
        path: "/lists/Gamma%20List?req=AddRecord",
        body: {
          GSW_CAMPAIGN_NAME: "Gamma Campaign 1",
          GSW_PHONE: phone(turn),
          GSW_TZ_NAME: "PST",
          GSW_TENANT_DBID: 103,
        },
      };

export type Attack = Asked & { readonly why: string; readonly code: string };

const attack = (why: string, code: string, asked: Asked): Attack => ({ ...asked, why, code: `OCSGW-${code}` });

/** `foreign`: an open record handle of Gamma Tenant. */
export const attacks = (foreign: number): readonly Attack[] => {
  const dnc = `/phones/${phone(1)}?req=DoNotCall`;
  const add = (list: string, body: object, client = "gamma-crm"): Asked => ({
    client,
    path: `/lists/${list}?req=AddRecord`,
    body: { GSW_CAMPAIGN_NAME: "Gamma Campaign 1", GSW_PHONE: phone(2), GSW_TZ_NAME: "PST", ...body },
  });
  return [
    attack("an action that the IVR never used", "2101", add("Alpha%20List", {}, "alpha-ivr")),
    attack("reading groups as the IVR", "2101", { client: "alpha-ivr", method: "GET", path: "/campaigngroups" }),
    attack("a Do-Not-Call by the strategies", "2101", { client: "alpha-ors", path: dnc }),
    attack("unloading a group that was only steered", "2101", {
      client: "beta-ops",
      path: "/campaigngroups/260?req=ForceUnload",
    }),
    attack("another tenant by DBID", "2103", { client: "alpha-ivr", path: dnc, body: { GSW_TENANT_DBID: 102 } }),
    attack("another tenant by name", "2103", {
      client: "alpha-ivr",
      path: dnc,
      body: { GSW_TENANT_NAME: "Beta Tenant" },
    }),
    attack("another tenant by header", "2103", {
      client: "shared-crm",
      path: dnc,
      headers: { "Ocsgw-Tenant": "Gamma Tenant" },
    }),
    attack("no tenant of two", "2105", add("Alpha%20List", {}, "shared-crm")),
    attack("another tenant's group", "2104", {
      client: "beta-ops",
      path: "/campaigngroups/120?req=SetDialingMode",
      body: { GSW_CM_AttrDialMode: 1, GSW_CM_AttrOptimizeBy: 1, GSW_CM_AttrOptimizeGoal: 80 },
    }),
    attack("reading another tenant's group", "2104", {
      client: "monitor",
      method: "GET",
      path: "/campaigngroups/260",
    }),
    attack("another tenant's list", "2104", add("Beta%20List", {})),
    attack("another tenant's campaign", "2104", add("Gamma%20List", { GSW_CAMPAIGN_NAME: "Alpha Campaign 1" })),
    attack("another tenant's record", "2106", {
      client: "alpha-ors",
      path: `/records/${foreign}?req=RecordProcessed`,
    }),
    attack("a field that was never used", "1007", add("Gamma%20List", { SECRET_DISCOUNT: 90 })),
    attack("no credential", "2001", { client: "nobody", path: dnc }),
    attack("a guessed key", "2001", { client: "alpha-ivr", path: dnc, key: "ocsgw_guess" }),
    attack("two actions", "1002", { client: "alpha-ivr", path: `${dnc}&req=RequestRecordCancel` }),
    attack("two tenants in one body", "1004", {
      client: "alpha-ivr",
      path: dnc,
      body: '{"GSW_TENANT_DBID":101,"GSW_TENANT_DBID":102}',
    }),
    attack("a path around the resource", "1001", {
      client: "alpha-ivr",
      path: "/phones/../campaigngroups/120?req=Load",
    }),
    attack("an address of another server", "1010", {
      client: "alpha-ivr",
      path: dnc,
      headers: { Host: "elsewhere.example:80" },
    }),
  ];
};
