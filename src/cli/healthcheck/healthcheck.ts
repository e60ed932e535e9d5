/**
 * `ocsgw healthcheck`: asks the probes listener, else the admin listener. Runs every few seconds, so it loads little.
 */
import { parseArgs } from "node:util";
import { reachable, type Bind } from "../../settings/bind.ts";
import { scanProbeAddresses, type ProbeAddresses } from "../../settings/probe-scan.ts";
import type { AdminAnswer } from "../admin-client.ts";
import { plainGet } from "./plain-get.ts";
import { readTextNow } from "../../common/small-file/small-file.ts";
import { reason } from "../../common/system-error.ts";
import { DONE, FAILED, UNREACHABLE } from "../exit-codes.ts";

export type HealthOptions = { readonly config: string; readonly url?: string; readonly live?: boolean };

/** The exit code for these arguments; undefined, without doing anything, for --help and wrong arguments. */
export const probe = async (words: readonly string[], config: string): Promise<number | undefined> => {
  const options = optionsIn(words, config);
  return options && healthcheck(options);
};

const optionsIn = (words: readonly string[], config: string): HealthOptions | undefined => {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        config: { type: "string", short: "c", default: config },
        url: { type: "string" },
        live: { type: "boolean", default: false },
      },
    });
    const { url, ...others } = values;
    if (url === undefined) return others;
    return /^https?:\/\//.test(url) && URL.canParse(url) ? { ...others, url } : undefined;
  } catch {
    return undefined;
  }
};

/** Prints the status and resolves to the exit code: 0 ready or alive, 1 not ready, 5 no answer. */
export const healthcheck = async ({ config, url, live }: HealthOptions): Promise<number> => {
  const path = live ? "/healthz" : "/readyz";
  const answer = url === undefined ? await byConfig(config, path) : await askAt(url, path);
  if (typeof answer === "number") return answer;
  if (!answer) return UNREACHABLE;
  const { status, reasons = [] } = answer.value as { readonly status: string; readonly reasons?: readonly string[] };
  console.log([status, ...reasons].join(": "));
  return answer.status === 200 ? DONE : FAILED;
};

type Answered = AdminAnswer | number | undefined;

/** The probes listener first, because a standby has no other; its `allow_from` may exclude this machine. */
const byConfig = async (config: string, path: string): Promise<Answered> => {
  const { probes, admin } =
    scan(config) ?? (await (await import("../../settings/probe-address.ts")).probeAddresses(config));
  const at = (bind: Bind): Promise<Answered> => askAt(`http://${reachable(bind)}`, path);
  const probed = probes && (await at(probes));
  if (probed !== undefined) return probed;
  return admin ? at(admin) : byWholeConfig(config, path);
};

/** Undefined for an unreadable or unusual file, which the YAML library reads then. */
const scan = (config: string): ProbeAddresses | undefined => {
  try {
    return scanProbeAddresses(readTextNow(config));
  } catch {
    return undefined;
  }
};

/** For a listener with TLS or a free port, and for an invalid file, whose problems are then printed. */
const byWholeConfig = async (config: string, path: string): Promise<Answered> => {
  const { adminOf, ask } = await import("../admin-client.ts");
  const found = await adminOf(config);
  return typeof found === "number" ? found : ask(found.target, { path });
};

/** Without an answer prints why to stderr, like `ask`, and resolves to undefined. */
const askAt = async (url: string, path: string): Promise<Answered> => {
  if (!url.startsWith("http:"))
    return (await import("../admin-client.ts")).ask({ url, certificate: undefined }, { path });
  try {
    const { status, body } = await plainGet(url, path);
    return { status, value: JSON.parse(body) as unknown };
  } catch (error) {
    console.error(noAnswer(url, error));
    return undefined;
  }
};

const noAnswer = (url: string, error: unknown): string =>
  error instanceof SyntaxError
    ? `the answer from ${url} is not JSON: it is probably not the admin listener`
    : `no answer from ${url}: ${reason(error)}`;
