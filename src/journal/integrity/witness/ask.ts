/** One POST to a witness or a time stamping authority: no redirects, a time limit and a size limit. */
import { reasonOf } from "../../errors.ts";

export type Question = {
  readonly url: string;
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly contentType: string;
  readonly timeoutMs: number;
  /** Limit for the reply's body. */
  readonly mostBytes: number;
  /** Aborts the request. */
  readonly signal: AbortSignal;
};

/** `type`: without parameters, in lower case. */
export type Reply = { readonly status: number; readonly type: string; readonly body: Buffer };

/** Rejects with an error that says why there is no reply. */
export const postTo = async ({ url, body, contentType, timeoutMs, mostBytes, signal }: Question): Promise<Reply> => {
  const late = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      method: "POST",
      body,
      redirect: "error",
      headers: { "Content-Type": contentType },
      signal: AbortSignal.any([late, signal]),
    });
    const type = (response.headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
    return { status: response.status, type, body: await readAtMost(response, mostBytes) };
  } catch (error) {
    if (late.aborted) throw new Error(`no answer within ${timeoutMs / 1000} s`, { cause: error });
    throw new Error(causeOf(error), { cause: error });
  }
};

const readAtMost = async (response: Response, most: number): Promise<Buffer> => {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > most) throw new Error(`the answer has more than ${most} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};

/** The error of fetch is "fetch failed"; the reason is in its cause. */
const causeOf = (error: unknown): string => {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error ? reasonOf(cause) : reasonOf(error);
};

/** Sends a request to a witness in another way than HTTP. Rejects with an error that says why there is no reply. */
export type Send = (body: string, signal: AbortSignal) => Promise<Reply>;

/** The same limits for another way to send. */
export const sendWithin = async (timeoutMs: number, send: Send, body: string, signal: AbortSignal): Promise<Reply> => {
  const late = AbortSignal.timeout(timeoutMs);
  try {
    return await send(body, AbortSignal.any([late, signal]));
  } catch (error) {
    if (late.aborted) throw new Error(`no answer within ${timeoutMs / 1000} s`, { cause: error });
    throw error;
  }
};
