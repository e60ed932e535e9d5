/** Asks the control API of a running sandbox. */
import { ControlError } from "../../sandbox/control/error.ts";
import { reason } from "../../common/system-error.ts";
import { DONE, UNREACHABLE, WRONG_USAGE } from "../exit-codes.ts";

type Writer = { readonly write: (text: string) => unknown };
export type Host = { readonly stdout: Writer; readonly stderr: Writer };

const TIMEOUT_MS = 10_000;

export class Unreachable extends Error {}

/** Resolves to the exit code: 0 done, 2 wrong usage, 5 no answer from a sandbox. Prints the reason to stderr. */
export const command = async ({ stderr }: Host, run: () => Promise<number | void>): Promise<number> => {
  try {
    return (await run()) ?? DONE;
  } catch (error) {
    if (!(error instanceof ControlError || error instanceof Unreachable)) throw error;
    stderr.write(`${error.message}\n`);
    return error instanceof ControlError ? WRONG_USAGE : UNREACHABLE;
  }
};

/** The answer's JSON. Throws ControlError with the sandbox's reason, or Unreachable. */
export const ask = async (
  url: string,
  method: "GET" | "POST" | "DELETE",
  path: string,
  body?: object,
): Promise<unknown> => {
  const answer = await asked(url, path, {
    method,
    signal: AbortSignal.timeout(TIMEOUT_MS),
    ...(body && { body: JSON.stringify(body) }),
  });
  return valueOf(url, answer);
};

/** The response, whose body may still be arriving. Throws Unreachable. */
export const asked = (url: string, path: string, init: RequestInit): Promise<Response> => {
  const address = `${url.replace(/\/+$/, "")}/${path}`;
  if (!URL.canParse(address))
    throw new ControlError(400, `--url: expected an address such as http://127.0.0.1:18090/sandbox; found ${url}`);
  return fetch(address, init).catch((error: Error) => {
    throw new Unreachable(`no answer from ${url}: ${reasonOf(error)}; start ocsgw sandbox, or correct --url`);
  });
};

/** The response's JSON. Throws ControlError with the sandbox's reason, or Unreachable if it is not a sandbox. */
export const valueOf = async (url: string, answer: Response): Promise<unknown> => {
  const value = (await answer.json().catch(() => undefined)) as { error?: string } | undefined;
  if (answer.ok && value !== undefined) return value;
  if (value?.error !== undefined && [400, 404, 409].includes(answer.status)) throw new ControlError(400, value.error);
  throw new Unreachable(`${url} answered ${answer.status}: it is not the control address of a sandbox`);
};

const reasonOf = (error: Error): string => (error.cause === undefined ? error.name : reason(error.cause));
