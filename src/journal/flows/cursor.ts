/**
 * The cursor of a flow stream or page: a place in this journal, encrypted, because an index counts the requests of all
 * tenants.
 * Its key comes from the key that signs the checkpoints, so a cursor survives a restart and is valid for this journal
 * only.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
  type KeyObject,
} from "node:crypto";

/**
 * `next`: the index after the last entry that was read. `micros`: the time of that entry, microseconds since 1970; 0 if
 * it is unknown. It tells a journal that was restored from a backup from the one that gave the cursor.
 */
export type Place = { readonly next: number; readonly micros: number };

/** `another`: it was made with another key. `invalid`: nobody made it like that. */
export type CursorFault = "another" | "invalid";

const KEY_ID_BYTES = 4;
const TAG_BYTES = 16;
const INDEX_BYTES = 6;
const PLACE_BYTES = INDEX_BYTES + 8;
const SALT_BYTES = 8;
const CIPHER = "aes-256-ctr";
const MOST_INDEX = 2 ** (8 * INDEX_BYTES);
/** Of `near`: entries and microseconds, base 36. */
const STEPS = /^([\w-]+)\.([\da-z]{1,9})\.(-?[\da-z]{1,10})$/;
/** Bytes of the secret that `cursorSecret` derives. */
const SECRET_BYTES = 2 * 32 + KEY_ID_BYTES;

export const cursorSecret = (signingKey: KeyObject, origin: string): Uint8Array =>
  new Uint8Array(
    hkdfSync(
      "sha256",
      signingKey.export({ type: "pkcs8", format: "der" }),
      origin,
      "cursor of a flow stream",
      SECRET_BYTES,
    ),
  );

/** For whom a sealed cursor is valid: one for other tenants, or of another kind, is invalid. */
export type CursorHolder = { readonly of: "stream" | "page"; readonly tenants: readonly number[] };

/**
 * Equal places have equal cursors: the initialization vector is a keyed hash of the place (as in SIV, RFC 5297), so no
 * number of cursors under one key reveals anything but that two are equal. A sealed cursor does not even reveal that.
 */
export class Cursors {
  readonly #macKey: Uint8Array;
  readonly #cipherKey: Uint8Array;
  readonly #keyId: Buffer;

  constructor(secret: Uint8Array) {
    this.#macKey = secret.subarray(0, 32);
    this.#cipherKey = secret.subarray(32, 64);
    this.#keyId = Buffer.from(secret.subarray(64));
  }

  write(place: Place): string {
    return this.#encrypt(bytesOf(place), "");
  }

  read(text: string): Place | CursorFault {
    const [, start = text, entries = "0", micros = "0"] = STEPS.exec(text) ?? [];
    const place = this.#decrypt(start, PLACE_BYTES, "");
    if (typeof place === "string" || start === text) return place;
    const there = {
      next: place.next + Number.parseInt(entries, 36),
      micros: place.micros + Number.parseInt(micros, 36),
    };
    return there.next < MOST_INDEX && there.micros > 0 && Number.isSafeInteger(there.micros) ? there : "invalid";
  }

  /**
   * A cursor of a place near another one: that one's, and the steps from there in plain. Only for people who may see
   * all tenants and thus every index. Thousands of rows a second get one each, for which encrypting is too dear.
   */
  near({ place, cursor }: { readonly place: Place; readonly cursor: string }, { next, micros }: Place): string {
    const [entries, apart] = [next - place.next, micros - place.micros];
    if (place.micros === 0 || micros === 0 || entries < 0) return this.write({ next, micros });
    return `${cursor}.${entries.toString(36)}.${apart.toString(36)}`;
  }

  /** For people who may see single tenants only: an unchanged cursor would tell them that nobody sends anything. */
  seal(place: Place, holder: CursorHolder): string {
    return this.#encrypt(Buffer.concat([bytesOf(place), randomBytes(SALT_BYTES)]), nameOf(holder));
  }

  unseal(text: string, holder: CursorHolder): Place | CursorFault {
    return this.#decrypt(text, PLACE_BYTES + SALT_BYTES, nameOf(holder));
  }

  #encrypt(plain: Buffer, holder: string): string {
    const tag = this.#tagOf(plain, holder);
    const cipher = createCipheriv(CIPHER, this.#cipherKey, tag);
    return Buffer.concat([this.#keyId, tag, cipher.update(plain), cipher.final()]).toString("base64url");
  }

  #decrypt(text: string, length: number, holder: string): Place | CursorFault {
    if (!/^[\w-]+$/.test(text)) return "invalid";
    const bytes = Buffer.from(text, "base64url");
    // Other spellings of the last, incomplete byte.
    if (bytes.length !== KEY_ID_BYTES + TAG_BYTES + length || bytes.toString("base64url") !== text) return "invalid";
    if (!bytes.subarray(0, KEY_ID_BYTES).equals(this.#keyId)) return "another";
    const tag = bytes.subarray(KEY_ID_BYTES, KEY_ID_BYTES + TAG_BYTES);
    const cipher = createDecipheriv(CIPHER, this.#cipherKey, tag);
    const plain = Buffer.concat([cipher.update(bytes.subarray(KEY_ID_BYTES + TAG_BYTES)), cipher.final()]);
    if (!timingSafeEqual(this.#tagOf(plain, holder), tag)) return "invalid";
    return { next: plain.readUIntBE(0, INDEX_BYTES), micros: Number(plain.readBigUInt64BE(INDEX_BYTES)) };
  }

  /** A place alone is shorter than a sealed one, so no holder's name can make the one look like the other. */
  #tagOf(plain: Uint8Array, holder: string): Buffer {
    return createHmac("sha256", this.#macKey).update(plain).update(holder).digest().subarray(0, TAG_BYTES);
  }
}

const bytesOf = ({ next, micros }: Place): Buffer => {
  const plain = Buffer.alloc(PLACE_BYTES);
  plain.writeUIntBE(next, 0, INDEX_BYTES);
  plain.writeBigUInt64BE(BigInt(micros), INDEX_BYTES);
  return plain;
};

const nameOf = ({ of, tenants }: CursorHolder): string =>
  `${of} ${tenants.toSorted((one, other) => one - other).join()}`;
