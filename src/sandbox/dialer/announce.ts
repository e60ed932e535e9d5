/** Announcement, or pre-dial validation: OCS posts a record to the validation-uri; the answer decides if it dials. */
import type { AttachedData } from "./attached-data.ts";
import { NoAnswer, type PostAnswer, type Poster } from "./http-post.ts";
import { CALL_RESULT_NUMBERS } from "../world/codes.ts";

export type AnnounceOptions = {
  readonly validationUri: string;
  /** OCS's http-response-timeout, in milliseconds. */
  readonly responseTimeout: number;
  /** OCS's validation-timeout-call-result, also used when the answer has no decision. */
  readonly timeoutCallResult: number;
};

export type Verdict =
  /** `changes`: fields with new values from the answer's body. */
  | { readonly kind: "dial"; readonly changes: AttachedData }
  | { readonly kind: "stop"; readonly callResult: number; readonly because: string }
  /** No answer: the record is put back and dialed later. */
  | { readonly kind: "later"; readonly because: string };

export const announceRecord = async (
  poster: Poster,
  data: AttachedData,
  options: AnnounceOptions,
): Promise<Verdict> => {
  try {
    return verdictOf(await poster.post(options.validationUri, data, options.responseTimeout), options);
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    return error.how === "timeout"
      ? { kind: "stop", callResult: options.timeoutCallResult, because: error.message }
      : { kind: "later", because: error.message };
  }
};

const verdictOf = ({ status, body }: PostAnswer, { timeoutCallResult }: AnnounceOptions): Verdict => {
  const fields = objectIn(body);
  if (status === 200) return { kind: "dial", changes: scalarsOf(fields) };
  const stated = Number(fields["GSW_CALL_RESULT"]);
  if (status === 409 && CALL_RESULT_NUMBERS.has(stated))
    return { kind: "stop", callResult: stated, because: `409, GSW_CALL_RESULT ${stated}` };
  return {
    kind: "stop",
    callResult: timeoutCallResult,
    because: status === 409 ? "409 without a GSW_CALL_RESULT" : `answered ${status}`,
  };
};

const objectIn = (text: string): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : {};
  } catch {
    return {};
  }
};

const scalarsOf = (fields: Readonly<Record<string, unknown>>): AttachedData =>
  Object.fromEntries(
    Object.entries(fields).filter((field): field is [string, string | number] =>
      ["string", "number"].includes(typeof field[1]),
    ),
  );
