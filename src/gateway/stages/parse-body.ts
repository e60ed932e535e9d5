/** Is the body valid for OCS? Parsed after the policy checks, so that unauthorized requests cost no parsing. */
import { readBody } from "../../ocs/body.ts";
import type { Operation } from "../../ocs/target.ts";
import { Violation } from "../../ocs/violation.ts";
import { headerOf, type Arrival } from "../../common/message.ts";
import { isUtf8, readContentType } from "./content-type.ts";
import { refuse, type RefusalDetails } from "../refused.ts";
import { chargeClient, type ChargeClientDeps } from "../tenant-policy.ts";
import { proven, type Command, type Grant } from "../types.ts";

export type ParseBodyDeps = ChargeClientDeps & {
  /** Whether a listener also accepts this media type (lower case). Absent: application/json only. */
  readonly acceptsType?: (listener: string, type: string) => boolean;
};

export const parseBody = (deps: ParseBodyDeps, arrival: Arrival, grant: Grant): Promise<Command> => {
  const command = readCommand(deps, arrival, grant.operation);
  return grant.charged ? command : chargedIfRefused(deps, grant, command);
};

/** Charges the client when the body is refused, because the tenant may not be known yet. */
const chargedIfRefused = async (deps: ParseBodyDeps, grant: Grant, command: Promise<Command>): Promise<Command> => {
  try {
    return await command;
  } catch (error) {
    await chargeClient(deps, grant);
    throw error;
  }
};

const readCommand = async (deps: ParseBodyDeps, arrival: Arrival, { action }: Operation): Promise<Command> => {
  const fault = faultInType(deps, arrival);
  // Refuses without reading if there is a Content-Length; a chunked body may turn out to be empty.
  if (fault && isAnnounced(arrival)) refuse("bad-content-type", fault);
  const bytes = await arrival.body();
  if (fault && bytes.length > 0) refuse("bad-content-type", fault);
  try {
    return proven<Command>({ attributes: readBody(action, bytes) });
  } catch (error) {
    return refuseBody(arrival, error);
  }
};

const JSON_TYPE = "application/json";

/**
 * What is wrong with the Content-Type. The manual allows application/json only. Deployed clients send none, or another
 * type that the listener's config may accept. Without a body the type does not matter.
 */
const faultInType = (
  { acceptsType }: ParseBodyDeps,
  { method, headers, listener }: Arrival,
): RefusalDetails | undefined => {
  const encoding = headerOf(headers, "Content-Encoding");
  if (encoding !== undefined && encoding.toLowerCase() !== "identity")
    return { detail: "the body must not be encoded (Content-Encoding)", close: true };
  const value = headerOf(headers, "Content-Type");
  if (value === undefined || method === "GET") return undefined;
  const read = readContentType(value);
  if (!read) return { detail: `Content-Type is malformed; send ${JSON_TYPE}` };
  if (read.type !== JSON_TYPE && !acceptsType?.(listener, read.type))
    return { detail: `the Content-Type of a body must be ${JSON_TYPE}` };
  return read.charset === undefined || isUtf8(read.charset)
    ? undefined
    : { detail: "the charset in Content-Type must be utf-8, the only one of JSON" };
};

const isAnnounced = ({ headers }: Arrival): boolean => Number(headerOf(headers, "Content-Length") ?? 0) > 0;

const refuseBody = async (arrival: Arrival, error: unknown): Promise<never> => {
  if (!(error instanceof Violation)) throw error;
  // The Content-Length may be wrong: the bytes after a body that is not JSON must not be read as a request.
  if (error.rule === "json") return refuse("bad-json", { detail: error.message, close: true });
  if (error.rule !== "truncated") throw error;
  // Several of the manual's examples have too small a Content-Length: the rest looks like a second request.
  if (await arrival.surplus()) {
    return refuse("wrong-length", {
      detail: "the body is longer than its Content-Length; let the HTTP library set it",
      close: true,
    });
  }
  return refuse("bad-json", { detail: error.message, close: true });
};
