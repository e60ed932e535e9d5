/**
 * Passwords as argon2id hashes (RFC 9106) in PHC strings: `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`. The string
 * states its parameters, so that hashes with earlier ones stay valid. The work runs outside the main thread.
 */
import { argon2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

/** `memory`: KiB. */
export type Argon2Cost = { readonly memory: number; readonly passes: number; readonly lanes: number };
export type Argon2Hash = Argon2Cost & { readonly salt: Buffer; readonly tag: Buffer };

/** OWASP's parameters for little memory: as hard to guess as those with more, and some 50 ms of one processor. */
export const USUAL_COST: Argon2Cost = { memory: 19_456, passes: 2, lanes: 1 };

/** A hash costs at most this, so that no line of a file can exhaust the gateway's memory or time. */
const MOST: Argon2Cost = { memory: 262_144, passes: 16, lanes: 16 };
const SALT_BYTES = 16;
const TAG_BYTES = 32;

const PHC =
  /^\$argon2id\$v=19\$m=([1-9]\d{0,6}),t=([1-9]\d?),p=([1-9]\d?)\$([A-Za-z0-9+/]{11,64})\$([A-Za-z0-9+/]{22,86})$/;

/** Undefined for a text that is not an argon2id hash, or that costs too much to verify. */
export const parseArgon2id = (text: string): Argon2Hash | undefined => {
  const [, memory, passes, lanes, salt, tag] = PHC.exec(text) ?? [];
  if (salt === undefined || tag === undefined) return undefined;
  const cost = { memory: Number(memory), passes: Number(passes), lanes: Number(lanes) };
  const isUsable =
    cost.memory <= MOST.memory &&
    cost.passes <= MOST.passes &&
    cost.lanes <= MOST.lanes &&
    cost.memory >= 8 * cost.lanes;
  const [saltBytes, tagBytes] = [salt, tag].map(bytesIn);
  return isUsable && saltBytes && tagBytes ? { ...cost, salt: saltBytes, tag: tagBytes } : undefined;
};

/** The bytes of base64 without padding; undefined if another spelling is the canonical one. */
const bytesIn = (text: string): Buffer | undefined => {
  const bytes = Buffer.from(text, "base64");
  return unpadded(bytes) === text ? bytes : undefined;
};

const unpadded = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64").replace(/=+$/, "");

/** A new hash, with a random salt. */
export const hashArgon2id = async (message: string, cost: Argon2Cost = USUAL_COST): Promise<string> => {
  const salt = randomBytes(SALT_BYTES);
  const tag = await derive(message, { ...cost, salt }, TAG_BYTES);
  const { memory, passes, lanes } = cost;
  return `$argon2id$v=19$m=${memory},t=${passes},p=${lanes}$${unpadded(salt)}$${unpadded(tag)}`;
};

export const matchesArgon2id = async (message: string, hash: Argon2Hash): Promise<boolean> =>
  timingSafeEqual(await derive(message, hash, hash.tag.length), hash.tag);

const deriveBytes = promisify(argon2);

const derive = (
  message: string,
  { salt, memory, passes, lanes }: Omit<Argon2Hash, "tag">,
  tagLength: number,
): Promise<Buffer> => deriveBytes("argon2id", { message, nonce: salt, memory, passes, parallelism: lanes, tagLength });

/** True if guessing a password costs less than with the cheapest parameters that OWASP gives (7 MiB, five passes). */
export const isCheap = ({ memory, passes }: Argon2Cost): boolean => memory * passes < 35_840;
