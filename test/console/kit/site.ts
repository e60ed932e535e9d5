/** A gateway with its console in front of the embedded OCS, for browsers. */
import { Agent, request } from "undici";
import { startSandboxOcs, type SandboxOcs } from "../../../src/sandbox/start.ts";
import { aGateway, basic, twoTenants, type TestGateway } from "../../kit/gateway.ts";

export type Site = {
  /** Of the admin listener, without a slash at its end. */
  readonly url: string;
  /** The admin token. */
  readonly token: string;
  readonly gateway: TestGateway;
  readonly ocs: SandboxOcs;
  /** Sends a request as a client; resolves to its id. */
  readonly send: (target: string, options?: Sent) => Promise<string>;
  readonly stop: () => Promise<void>;
};

type Sent = { readonly client?: string; readonly method?: string; readonly body?: object };

type Config = ReturnType<typeof twoTenants>;

/** `files`: what the config names besides, by name. */
export const aSite = async (
  change: (config: Config) => object = (config) => config,
  files: Readonly<Record<string, string>> = {},
): Promise<Site> => {
  const ocs = await startSandboxOcs();
  const config = { ...twoTenants(ocs.primary.http), admin: { bind: "127.0.0.1:0" } };
  const gateway = await aGateway({ ...config, ...change(config) } as Config, ["alpha", "beta"], files);
  const agent = new Agent();
  return {
    url: gateway.gateway.admin!,
    token: "token",
    gateway,
    ocs,
    send: async (target, { client = "alpha", method = "POST", body } = {}) => {
      const answer = await request(gateway.url + target, {
        method: method as "POST",
        headers: { Authorization: basic(client), ...(body && { "Content-Type": "application/json" }) },
        dispatcher: agent,
        ...(body && { body: JSON.stringify(body) }),
      });
      await answer.body.dump();
      return String(answer.headers["ocsgw-request-id"]);
    },
    stop: async () => {
      await agent.destroy();
      await gateway.stop();
      await ocs.close();
    },
  };
};
