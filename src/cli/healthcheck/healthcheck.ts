/** `ocsgw healthcheck`: asks the listener of probes, or else the admin listener, and answers with the exit code. It runs every few seconds. */
import { parseArgs } from "node:util";
import { reachable, type Bind } from "../settings/bind.ts";
import { glanceAt, type ProbeAddresses } from "../settings/probe-glance.ts";
import type { AdminAnswer } from "./admin.ts";
import { plainGet } from "./plain-get.ts";
import { readTextNow } from "../small-file.ts";
import { reason } from "../system-error.ts";

export type HealthOptions = { readonly config: string; readonly url?: string; readonly live?: boolean };

const NO_ANSWER = 5;

/** The exit code for these words behind `healthcheck`; undefined, and nothing is done, for words that ask for help or are wrong. */
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

export const healthcheck = async ({ config, url, live }: HealthOptions): Promise<number> => {
  const path = live ? "/healthz" : "/readyz";
  const answer = url === undefined ? await byConfig(config, path) : await askAt(url, path);
  if (typeof answer === "number") return answer;
  if (!answer) return NO_ANSWER;
  const { status, reasons = [] } = answer.value as { readonly status: string; readonly reasons?: readonly string[] };
  console.log([status, ...reasons].join(": "));
  return answer.status === 200 ? 0 : 1;
};

type Answered = AdminAnswer | number | undefined;

/** A standby listens for probes only; and `allow_from` may leave this machine out there. */
const byConfig = async (config: string, path: string): Promise<Answered> => {
  const { probes, admin } =
    glance(config) ?? (await (await import("../settings/probe-address.ts")).probeAddresses(config));
  const at = (bind: Bind): Promise<Answered> => askAt(`http://${reachable(bind)}`, path);
  const probed = probes && (await at(probes));
  if (probed !== undefined) return probed;
  return admin ? at(admin) : byWholeConfig(config, path);
};

/** Undefined where the file is not plain, or cannot be read, which is for the others to say. */
const glance = (config: string): ProbeAddresses | undefined => {
  try {
    return glanceAt(readTextNow(config));
  } catch {
    return undefined;
  }
};

/** Of a listener with TLS or at a free port, or a file that is wrong, which is then said. */
const byWholeConfig = async (config: string, path: string): Promise<Answered> => {
  const { adminOf, ask } = await import("./admin.ts");
  const found = await adminOf(config);
  return typeof found === "number" ? found : ask(found.target, { path });
};

/** Says on stderr why there is no answer, as `ask` does, and resolves to undefined. */
const askAt = async (url: string, path: string): Promise<Answered> => {
  if (!url.startsWith("http:")) return (await import("./admin.ts")).ask({ url, certificate: undefined }, { path });
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
    ? `${url} does not answer in JSON: is that the admin listener?`
    : `no answer from ${url}: ${reason(error)}`;
