/** What the commands that ask a running gateway share: where its admin listener is, its token, and one question. */
import { createHash } from "node:crypto";
import { request as overHttp, type IncomingMessage } from "node:http";
import { tokenFile, urlFile } from "../console/token.ts";
import { reachable } from "../settings/bind.ts";
import type { Settings } from "../settings/schema.ts";
import { certificatesPem } from "../x509/pem.ts";
import { readSmallFile } from "../small-file.ts";
import { reason } from "../system-error.ts";

/** `certificate`: PEM of the listener's own. */
export type AdminTarget = { readonly url: string; readonly certificate: string | undefined };

const TIMEOUT_MS = 3000;
const LONG_TIMEOUT_MS = 60_000;

/** The config's admin listener and its journal's directory; or, when it has none, the exit code, told why. The rest of the file may be wrong. */
export const adminOf = async (
  config: string,
): Promise<{ readonly target: AdminTarget; readonly auditDir: string | undefined } | number> => {
  const { glimpse } = await import("../settings/glimpse.ts");
  const { admin, auditDir } = (await glimpse(config)) ?? {};
  if (admin) return { target: await targetOf(admin, auditDir), auditDir };
  const [{ loadSettings }, { sayInvalid }] = await Promise.all([import("../settings/load.ts"), import("./check.ts")]);
  if (!(await loadSettings(config)).ok) return sayInvalid(config);
  console.error(
    `${config} has no admin listener; with admin: { bind: 127.0.0.1:9640 } the gateway opens one when it starts`,
  );
  return 3;
};

const targetOf = async ({ bind, tls }: NonNullable<Settings["admin"]>, auditDir = "."): Promise<AdminTarget> => ({
  url:
    (bind.port === 0 ? await leftUrl(auditDir) : undefined) ??
    `${tls === "none" ? "http" : "https"}://${reachable(bind)}`,
  certificate: tls === "none" ? undefined : await readSmallFile(tls.cert),
});

const leftUrl = (auditDir: string): Promise<string | undefined> =>
  readSmallFile(urlFile(auditDir)).then(
    (text) => text.trim(),
    () => undefined,
  );

export type AdminOptions = { readonly config: string; readonly url?: string; readonly token?: string };
type Question = { readonly path: string; readonly method?: "GET" | "POST"; readonly body?: object };
export type AdminAnswer = { readonly status: number; readonly value: unknown };

const NOT_TAKEN = 1;
const WRONG_USAGE = 2;
const REFUSED = 3;
const UNREACHABLE = 5;

/** Asks what wants the token. Resolves to an answer that is not about the question itself, or to the exit code, told why. */
export const askAs = async (
  { config, url, token }: AdminOptions,
  question: Question,
): Promise<AdminAnswer | number> => {
  const found =
    url === undefined ? await fromConfig(config) : { target: { url, certificate: undefined }, kept: undefined };
  if (typeof found === "number") return found;
  const bearer = token ?? found.kept?.token;
  if (url !== undefined && bearer === undefined) {
    console.error("--url wants the token too: --token, or OCSGW_ADMIN_TOKEN in the environment");
    return WRONG_USAGE;
  }
  const answer = await ask(found.target, question, bearer === undefined ? {} : { Authorization: `Bearer ${bearer}` });
  if (!answer) return UNREACHABLE;
  if (answer.status === 200 || answer.status === 422) return answer;
  if (answer.status === 401 && token === undefined && found.kept && isOfAnother(answer, found.kept)) {
    console.error(
      `${config} has audit.dir: ${found.kept.auditDir}, and the running gateway has its journal in another directory.\naudit.dir cannot change while the gateway runs (OCSGW-6281): take the change back, or restart the gateway`,
    );
    return REFUSED;
  }
  console.error(
    answer.status === 401
      ? `the gateway does not take this token${found.kept ? `; it is expected in ${found.kept.file}` : ""}`
      : `${found.target.url} answers ${answer.status}: is that the admin listener?`,
  );
  return NOT_TAKEN;
};

/**
 * The config of a running gateway may have been changed. Resolves to where the gateway answers that has its journal
 * elsewhere than this one, undefined where none does, or none is named.
 */
export const gatewayOfAnother = async (config: string, auditDir: string): Promise<string | undefined> => {
  try {
    const { glimpse } = await import("../settings/glimpse.ts");
    const { admin } = (await glimpse(config)) ?? {};
    if (!admin) return undefined;
    const target = await targetOf(admin, auditDir);
    const { status, text } = await exchange(target, { path: "/api/status" }, {});
    const answer = { status, value: JSON.parse(text) as unknown };
    return isOfAnother(answer, { auditDir }) ? target.url : undefined;
  } catch {
    return undefined;
  }
};

type Kept = { readonly file: string; readonly auditDir: string; readonly token: string | undefined };

/** The gateway says the digest of its journal's directory. One that says nothing is another version's. */
const isOfAnother = ({ value }: AdminAnswer, { auditDir }: Pick<Kept, "auditDir">): boolean => {
  const said = (value as { readonly journal?: unknown } | null)?.journal;
  return typeof said === "string" && said !== createHash("sha256").update(auditDir).digest("hex");
};

/** On the gateway's own machine, as its own user: the token lies where `run` left it. */
const fromConfig = async (config: string): Promise<{ readonly target: AdminTarget; readonly kept: Kept } | number> => {
  const found = await adminOf(config);
  if (typeof found === "number") return found;
  const auditDir = found.auditDir ?? ".";
  const file = tokenFile(auditDir);
  return {
    target: found.target,
    kept: {
      file,
      auditDir,
      token: await readSmallFile(file).then(
        (text) => text.trim(),
        () => undefined,
      ),
    },
  };
};

/** Resolves to the answer's JSON. Says on stderr why there is none, and resolves to undefined. */
export const ask = async (
  target: AdminTarget,
  question: Question,
  headers: Readonly<Record<string, string>> = {},
): Promise<AdminAnswer | undefined> => {
  const { url } = target;
  try {
    const answer = await exchange(target, question, headers);
    return { status: answer.status, value: JSON.parse(answer.text) };
  } catch (error) {
    console.error(
      error instanceof SyntaxError
        ? `${url} does not answer in JSON: is that the admin listener?`
        : `no answer from ${url}: ${reason(error)}`,
    );
    return undefined;
  }
};

const textOf = async (response: IncomingMessage): Promise<string> =>
  Buffer.concat(await Array.fromAsync(response as AsyncIterable<Buffer>)).toString();

/** A connection of its own, which ends with the answer. */
const exchange = async (
  { url, certificate }: AdminTarget,
  { path, method = "GET", body }: Question,
  given: Readonly<Record<string, string>>,
): Promise<{ readonly status: number; readonly text: string }> => {
  // The listener's own certificate is the one that is trusted, whatever name it has.
  const pinned =
    certificate === undefined
      ? {}
      : { ca: certificatesPem(certificate), allowPartialTrustChain: true, checkServerIdentity: () => undefined };
  const at = new URL(path, url);
  const text = body === undefined ? undefined : JSON.stringify(body);
  const headers = {
    ...given,
    ...(text !== undefined && { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) }),
  };
  const overIt = at.protocol === "https:" ? (await import("node:https")).request : overHttp;
  const request = overIt(at, { method, headers, agent: false, ...pinned });
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  request.on("response", resolve).on("error", reject).end(text);
  const late = Promise.withResolvers<never>();
  late.promise.catch(() => undefined);
  const giveUp = (): void => {
    late.reject(Object.assign(new Error("no answer in time"), { code: "ETIMEDOUT" }));
    request.destroy();
  };
  const timers = [setTimeout(giveUp, TIMEOUT_MS)];
  const connected = (): void => {
    clearTimeout(timers.pop());
    // What is to be done, and not only told, may take its time.
    timers.push(setTimeout(giveUp, method === "GET" ? TIMEOUT_MS : LONG_TIMEOUT_MS));
  };
  request.on("socket", (socket) => socket.once(at.protocol === "https:" ? "secureConnect" : "connect", connected));
  try {
    const response = await Promise.race([promise, late.promise]);
    return { status: response.statusCode!, text: await Promise.race([textOf(response), late.promise]) };
  } finally {
    timers.forEach(clearTimeout);
    request.destroy();
  }
};
