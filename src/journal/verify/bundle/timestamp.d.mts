import type { X509Certificate } from "node:crypto";

/** `broken`: not a valid token for the text. `untrusted`: no chain leads to a given authority. */
export declare class TimestampFault extends Error {
  readonly kind: "broken" | "untrusted";
  constructor(kind: "broken" | "untrusted", message: string);
}

export type Timestamp = {
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Hexadecimal. */
  readonly serial: string;
  /** The subject of the certificate that signed. */
  readonly signer: string;
  /** A chain leads to one of the given authorities. */
  readonly isTrusted: boolean;
};

export declare const imprintOf: (text: string | Uint8Array) => Buffer;
export declare const timestampRequest: (imprint: Uint8Array, nonce: Uint8Array) => Buffer<ArrayBuffer>;
export declare const authoritiesIn: (pem: string) => X509Certificate[];
export declare const readTimestamp: (
  der: Buffer,
  options: {
    readonly imprint: Buffer;
    readonly nonce?: Buffer | undefined;
    readonly authorities?: readonly X509Certificate[] | undefined;
  },
) => Timestamp;
