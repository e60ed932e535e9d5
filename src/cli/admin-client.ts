/** Asks a running gateway: finds its admin listener and token, and sends one request. */
import { createHash } from "node:crypto";
import { request as overHttp, type IncomingMessage } from "node:http";
import { tokenFile, urlFile } from "../admin/token.ts";
import { reachable } from "../settings/bind.ts";
import type { Settings } from "../settings/schema/schema.ts";
import { certificatesPem } from "../common/x509/pem.ts";
import { readSmallFile } from "../common/small-file/small-file.ts";
import { reason } from "../common/system-error.ts";
import { FAILED, NOT_VALID, UNREACHABLE, WRONG_USAGE } from "./exit-codes.ts";

/** `certificate`: the listener's own, PEM. */
export type AdminTarget = { readonly url: string; readonly certificate: string | undefined };

const TIMEOUT_MS = 3000;
const LONG_TIMEOUT_MS = 60_000;

/**
 * The admin listener and the journal's directory from the config, even if the rest of it is invalid. Without an admin
 * listener, prints the reason and resolves to the exit code.
 */
export const adminOf = async (
  config: string,
): Promise<{ readonly target: AdminTarget; readonly auditDir: string | undefined } | number> => {
  const { partialLoad } = await import("../settings/partial-load.ts");
  const { admin, auditDir } = (await partialLoad(config)) ?? {};
  if (admin) return { target: await targetOf(admin, auditDir), auditDir };
  const [{ loadSettings }, { printProblems }] = await Promise.all([
    import("../settings/load.ts"),
    import("./check/check.ts"),
  ]);
  if (!(await loadSettings(config)).ok) return printProblems(config);
  console.error(`${config} has no admin listener: add admin: { bind: 127.0.0.1:9640 } and restart the gateway`);
  return NOT_VALID;
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
/** `answerMs`: how long the answer may take; unless given, longer for an action than for a question. */
type Question = {
  readonly path: string;
  readonly method?: "GET" | "POST";
  readonly body?: object;
  readonly answerMs?: number;
};
export type AdminAnswer = { readonly status: number; readonly value: unknown };

/**
 * Sends a request with the admin token. Resolves to an answer with status 200 or 422; otherwise prints the reason and
 * resolves to the exit code.
 */
export const askAs = async (options: AdminOptions, question: Question): Promise<AdminAnswer | number> => {
  const found = await accessOf(options);
  if (typeof found === "number") return found;
  const answer = await ask(found.target, question, found.headers);
  if (!answer) return UNREACHABLE;
  return answer.status === 200 || answer.status === 422 ? answer : explainRefusal(options, found, answer);
};

/** As `askAs`, but resolves to every answer except a rejected token. */
export const askAny = async (options: AdminOptions, question: Question): Promise<AdminAnswer | number> => {
  const found = await accessOf(options);
  if (typeof found === "number") return found;
  const answer = await ask(found.target, question, found.headers);
  if (!answer) return UNREACHABLE;
  return answer.status === 401 ? explainRefusal(options, found, answer) : answer;
};

type AdminAccess = {
  readonly target: AdminTarget;
  readonly kept: StoredToken | undefined;
  readonly headers: Readonly<Record<string, string>>;
};

/** The listener and the token. If they are unknown, prints the reason and resolves to the exit code. */
const accessOf = async ({ config, url, token }: AdminOptions): Promise<AdminAccess | number> => {
  const found =
    url === undefined ? await fromConfig(config) : { target: { url, certificate: undefined }, kept: undefined };
  if (typeof found === "number") return found;
  const bearer = token ?? found.kept?.token;
  if (url !== undefined && bearer === undefined) {
    console.error("--url also needs the token: --token, or OCSGW_ADMIN_TOKEN in the environment");
    return WRONG_USAGE;
  }
  return { ...found, headers: bearer === undefined ? {} : { Authorization: `Bearer ${bearer}` } };
};

/** Prints why the gateway rejects the request, and returns the exit code. */
const explainRefusal = ({ config, token }: AdminOptions, found: AdminAccess, answer: AdminAnswer): number => {
  if (answer.status === 401 && token === undefined && found.kept && isOfAnother(answer, found.kept)) {
    console.error(
      `${config} has audit.dir: ${found.kept.auditDir}, but the journal of the running gateway is in another ` +
        "directory.\naudit.dir cannot change while the gateway runs (OCSGW-6281): undo the change, or restart the " +
        "gateway",
    );
    return NOT_VALID;
  }
  console.error(
    answer.status === 401
      ? "the gateway rejects this " +
          `token${found.kept ? `; the valid one is in ${found.kept.file} while the gateway runs` : ""}`
      : `${found.target.url} answers ${answer.status}: it is probably not the admin listener`,
  );
  return FAILED;
};

/**
 * Resolves to the URL of the running gateway if its journal is not in `auditDir`, because the config was changed;
 * otherwise to undefined.
 */
export const gatewayOfAnother = async (config: string, auditDir: string): Promise<string | undefined> => {
  try {
    const { partialLoad } = await import("../settings/partial-load.ts");
    const { admin } = (await partialLoad(config)) ?? {};
    if (!admin) return undefined;
    const target = await targetOf(admin, auditDir);
    const { status, text } = await exchange(target, { path: "/api/status" }, {});
    const answer = { status, value: JSON.parse(text) as unknown };
    return isOfAnother(answer, { auditDir }) ? target.url : undefined;
  } catch {
    return undefined;
  }
};

type StoredToken = { readonly file: string; readonly auditDir: string; readonly token: string | undefined };

/** The gateway answers with the digest of its journal's directory; older versions do not. */
const isOfAnother = ({ value }: AdminAnswer, { auditDir }: Pick<StoredToken, "auditDir">): boolean => {
  const digest = (value as { readonly journal?: unknown } | null)?.journal;
  return typeof digest === "string" && digest !== createHash("sha256").update(auditDir).digest("hex");
};

/** Listener and token from the config, on the gateway's own machine. */
const fromConfig = async (
  config: string,
): Promise<{ readonly target: AdminTarget; readonly kept: StoredToken } | number> => {
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

/** Resolves to the answer's JSON; without an answer, prints the reason to stderr and resolves to undefined. */
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
        ? `the answer from ${url} is not JSON: it is probably not the admin listener`
        : `no answer from ${url}: ${reason(error)}`,
    );
    return undefined;
  }
};

const textOf = async (response: IncomingMessage): Promise<string> =>
  Buffer.concat(await Array.fromAsync(response as AsyncIterable<Buffer>)).toString();

export type OpenStream = {
  readonly response: IncomingMessage;
  readonly explain: (answer: AdminAnswer) => number;
  readonly close: () => void;
};

/**
 * Sends a GET with the admin token and resolves when the answer begins; without an answer, to the reason. If the
 * listener or the token is unknown, prints the reason and resolves to the exit code.
 */
export const openStream = async (
  options: AdminOptions,
  path: string,
  given: Readonly<Record<string, string>>,
): Promise<OpenStream | { readonly why: string } | number> => {
  const found = await accessOf(options);
  if (typeof found === "number") return found;
  try {
    const headers = { ...found.headers, ...given };
    const { request, answered, stopTimer } = await send(found.target, { path }, headers, LONG_TIMEOUT_MS);
    const response = await answered.finally(stopTimer);
    return {
      response,
      explain: (answer) => explainRefusal(options, found, answer),
      close: () => void request.destroy(),
    };
  } catch (error) {
    return { why: `no answer from ${found.target.url}: ${reason(error)}` };
  }
};

/** One request on a connection of its own. */
const exchange = async (
  target: AdminTarget,
  question: Question,
  given: Readonly<Record<string, string>>,
): Promise<{ readonly status: number; readonly text: string }> => {
  // An action may take longer than a question.
  const answerMs = question.answerMs ?? ((question.method ?? "GET") === "GET" ? TIMEOUT_MS : LONG_TIMEOUT_MS);
  const { request, answered, late, stopTimer } = await send(target, question, given, answerMs);
  try {
    const response = await answered;
    return { status: response.statusCode!, text: await Promise.race([textOf(response), late]) };
  } finally {
    stopTimer();
    request.destroy();
  }
};

/** `answered`: rejects after `answerMs`, as `late` does, which never resolves. */
const send = async (
  { url, certificate }: AdminTarget,
  { path, method = "GET", body }: Question,
  given: Readonly<Record<string, string>>,
  answerMs: number,
) => {
  // Trusts only the listener's own certificate, and does not check its name.
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
    timers.push(setTimeout(giveUp, answerMs));
  };
  request.on("socket", (socket) => socket.once(at.protocol === "https:" ? "secureConnect" : "connect", connected));
  return {
    request,
    answered: Promise.race([promise, late.promise]),
    late: late.promise,
    stopTimer: () => timers.forEach(clearTimeout),
  };
};
