/**
 * For whom a node asks another one. The user's roles and tenants are carried along, so that the asked node shows
 * no more than the asking one would, and its journal names the user.
 */
import { ROLES, type Viewer } from "../viewer.ts";

/** The header that carries it: base64url of JSON. */
export const ASKING = "Ocsgw-Asking";

const MOST_NAME = 500;
const MOST_TENANTS = 10_000;

export const askingOf = ({ name, roles, tenants, via }: Viewer): string =>
  Buffer.from(JSON.stringify({ name, roles, tenants, via })).toString("base64url");

/**
 * Undefined if the text is invalid. Members that this version does not know are ignored, and so are unknown roles:
 * that grants less, never more.
 */
export const readAsking = (text: string, node: string): Viewer | undefined => {
  const { name, roles, tenants, via } = objectIn(text);
  if (typeof name !== "string" || name === "" || name.length > MOST_NAME || /\p{Cc}/u.test(name)) return undefined;
  if (!Array.isArray(roles) || (via !== "token" && via !== "session")) return undefined;
  if (tenants !== "all" && !(Array.isArray(tenants) && tenants.length <= MOST_TENANTS && tenants.every(isDbid)))
    return undefined;
  return { name, roles: ROLES.filter((role) => roles.includes(role)), tenants, via, node };
};

const isDbid = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** The members of a JSON object in base64url; empty if the text is not one. */
export const objectIn = (text: string): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
};
