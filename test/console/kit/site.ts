/** A gateway with its console in front of the embedded OCS, for browsers. */
import { Agent, request } from "undici";
import { createConsoleControl } from "../../../src/cli/sandbox/console-control.ts";
import { createFlowLinks, type FlowLinks } from "../../../src/cli/sandbox/flow-links.ts";
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

type Change = (config: Config, ocs: SandboxOcs) => object;

/** `files`: what the config names besides, by name. */
export const aSite = async (
  change: Change = (config) => config,
  files: Readonly<Record<string, string>> = {},
): Promise<Site> => {
  const ocs = await startSandboxOcs();
  return inFront(ocs, await aGateway(configFor(ocs, change), ["alpha", "beta"], files));
};

/** The same as `ocsgw sandbox` has it: with the page Sandbox, primary and backup, and HTTPS to OCS. */
export const aSandboxSite = async (
  change: Change = (config) => config,
  files: Readonly<Record<string, string>> = {},
): Promise<Site & { readonly links: FlowLinks }> => {
  const links = createFlowLinks();
  const ocs = await startSandboxOcs({ flowOf: links.flowOf });
  let url: string | undefined;
  const config = configFor(ocs, (usual) => {
    const { primary, backup } = { primary: ocs.primary.https, backup: ocs.backup.https };
    Object.assign(usual.upstreams["ocs"] as object, { primary, backup, tls: { ca: "ca.pem" } });
    return change(usual, ocs);
  });
  const gateway = await aGateway(
    config,
    ["alpha", "beta"],
    { ...files, "ca.pem": ocs.ca! },
    {
      onSent: links.onSent,
      onReply: ({ arrival }) => links.ended(arrival.id),
      sandbox: createConsoleControl({ ocs, gateway: () => url }),
    },
  );
  url = gateway.url;
  return { ...inFront(ocs, gateway), links };
};

const configFor = (ocs: SandboxOcs, change: Change): Config => {
  const config = { ...twoTenants(ocs.primary.http), admin: { bind: "127.0.0.1:0" } };
  return { ...config, ...change(config, ocs) } as Config;
};

const inFront = (ocs: SandboxOcs, gateway: TestGateway): Site => {
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
