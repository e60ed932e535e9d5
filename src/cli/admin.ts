/** What the commands that ask a running gateway share: where its admin listener is, its token, and one question. */
import { readFile } from "node:fs/promises";
import { Agent, request } from "undici";
import { tokenFile, urlFile } from "../console/token.ts";
import { glimpse } from "../settings/glimpse.ts";
import { loadSettings } from "../settings/load.ts";
import type { Settings } from "../settings/schema.ts";
import { sayInvalid } from "./check.ts";

/** `certificate`: PEM of the listener's own. */
export type AdminTarget = { readonly url: string; readonly certificate: string | undefined };

const TIMEOUT_MS = 3000;
const LONG_TIMEOUT_MS = 60_000;

/** The config's admin listener and its journal's directory; or, when it has none, the exit code, told why. The rest of the file may be wrong. */
export const adminOf = async (config: string): Promise<{ readonly target: AdminTarget; readonly auditDir: string | undefined } | number> => {
  const { admin, auditDir } = await glimpse(config) ?? {};
  if (admin) return { target: await targetOf(admin, auditDir), auditDir };
  if (!(await loadSettings(config)).ok) return sayInvalid(config);
  console.error(`${config} has no admin listener; with admin: { bind: 127.0.0.1:9640 } the gateway opens one when it starts`);
  return 3;
};

const targetOf = async ({ bind: { host, port }, tls }: NonNullable<Settings["admin"]>, auditDir = "."): Promise<AdminTarget> => {
  const reachable = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return {
    url: (port === 0 ? await leftUrl(auditDir) : undefined) ?? `${tls === "none" ? "http" : "https"}://${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}`,
    certificate: tls === "none" ? undefined : await readFile(tls.cert, "utf8"),
  };
};

const leftUrl = (auditDir: string): Promise<string | undefined> => readFile(urlFile(auditDir), "utf8").then((text) => text.trim(), () => undefined);

export type AdminOptions = { readonly config: string; readonly url?: string; readonly token?: string };
type Question = { readonly path: string; readonly method?: "GET" | "POST"; readonly body?: object };
export type AdminAnswer = { readonly status: number; readonly value: unknown };

const NOT_TAKEN = 1;
const WRONG_USAGE = 2;
const UNREACHABLE = 5;

/** Asks what wants the token. Resolves to an answer that is not about the question itself, or to the exit code, told why. */
export const askAs = async ({ config, url, token }: AdminOptions, question: Question): Promise<AdminAnswer | number> => {
  const found = url === undefined ? await fromConfig(config) : { target: { url, certificate: undefined }, kept: undefined };
  if (typeof found === "number") return found;
  const bearer = token ?? found.kept?.token;
  if (url !== undefined && bearer === undefined) {
    console.error("--url wants the token too: --token, or OCSGW_ADMIN_TOKEN in the environment");
    return WRONG_USAGE;
  }
  const answer = await ask(found.target, question, bearer === undefined ? {} : { Authorization: `Bearer ${bearer}` });
  if (!answer) return UNREACHABLE;
  if (answer.status === 200 || answer.status === 422) return answer;
  console.error(answer.status === 401 ? `the gateway does not take this token${found.kept ? `; it is expected in ${found.kept.file}` : ""}` : `${found.target.url} answers ${answer.status}: is that the admin listener?`);
  return NOT_TAKEN;
};

type Kept = { readonly file: string; readonly token: string | undefined };

/** On the gateway's own machine, as its own user: the token lies where `run` left it. */
const fromConfig = async (config: string): Promise<{ readonly target: AdminTarget; readonly kept: Kept } | number> => {
  const found = await adminOf(config);
  if (typeof found === "number") return found;
  const file = tokenFile(found.auditDir ?? ".");
  return { target: found.target, kept: { file, token: await readFile(file, "utf8").then((text) => text.trim(), () => undefined) } };
};

/** Resolves to the answer's JSON. Says on stderr why there is none, and resolves to undefined. */
export const ask = async ({ url, certificate }: AdminTarget, { path, method = "GET", body: given }: Question, headers: Readonly<Record<string, string>> = {}): Promise<AdminAnswer | undefined> => {
  // The listener's own certificate is the one that is trusted, whatever name it has.
  const pinned = certificate === undefined ? {} : { ca: certificate, allowPartialTrustChain: true, checkServerIdentity: () => undefined };
  // What is to be done, and not only told, may take its time.
  const timeout = method === "GET" ? TIMEOUT_MS : LONG_TIMEOUT_MS;
  const dispatcher = new Agent({ connect: { ...pinned, timeout: TIMEOUT_MS } });
  try {
    const { statusCode, body } = await request(new URL(path, url), { method, ...bodyOf(given, headers), headersTimeout: timeout, bodyTimeout: timeout, dispatcher });
    return { status: statusCode, value: JSON.parse(await body.text()) };
  } catch (error) {
    console.error(error instanceof SyntaxError ? `${url} does not answer in JSON: is that the admin listener?` : `no answer from ${url}: ${(error as NodeJS.ErrnoException).code ?? (error as Error).name}`);
    return undefined;
  } finally {
    await dispatcher.destroy();
  }
};

const bodyOf = (given: object | undefined, headers: Readonly<Record<string, string>>) =>
  (given === undefined ? { headers } : { headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(given) });
