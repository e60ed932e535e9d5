/** Until when certificates are valid. */
import { X509Certificate } from "node:crypto";

export type Certificate = {
  /** Where in the config it is named, as in listeners.clients or upstreams.ocs-main. */
  readonly of: string;
  readonly what: "cert" | "ca" | "client_ca";
  /** Milliseconds since 1970. */
  readonly notAfter: number;
};

const BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** The first moment at which a certificate of the file ends, in milliseconds since 1970: undefined when it holds none that can be read. */
export const firstEnd = (pem: string): number | undefined => {
  const ends = (pem.match(BLOCK) ?? []).flatMap((block) => endOf(block) ?? []);
  return ends.length === 0 ? undefined : Math.min(...ends);
};

const endOf = (block: string): number | undefined => {
  try {
    return new X509Certificate(block).validToDate.getTime();
  } catch {
    return undefined;
  }
};
