/** When the certificates and revocation lists that the settings name expire. */
import { firstEnd, type Certificate } from "../../../admin/certificate-expiry.ts";
import { readSmallFile } from "../../../common/small-file/small-file.ts";
import type { Settings } from "../../../settings/schema/schema.ts";

/** Read once, as listeners and lanes do. A missing file is left out. */
export const certificatesOf = async (settings: Settings): Promise<Certificate[]> => {
  const read = await Promise.all(
    filesOf(settings).map(async ({ of, what, file }) => ({
      of,
      what,
      end: firstEnd(await readSmallFile(file).catch(() => "")),
    })),
  );
  return read.flatMap(({ of, what, end }) => (end === undefined ? [] : [{ of, what, ...end }]));
};

type Named = Pick<Certificate, "of" | "what"> & { readonly file: string };
type CertificateFiles = { readonly [Key in Certificate["what"]]?: string | null };

const filesOf = ({ listeners, admin, upstreams }: Settings): Named[] => [
  ...listeners.flatMap(({ name, tls }) => named(`listeners.${name}`, tls)),
  ...named("admin", admin?.tls ?? "none"),
  ...Object.entries(upstreams).flatMap(([name, { tls, callbacks }]) => [
    ...named(`upstreams.${name}`, tls),
    ...named(`upstreams.${name}.callbacks`, callbacks?.tls ?? "none"),
  ]),
];

const named = (of: string, tls: CertificateFiles | "none"): Named[] =>
  tls === "none"
    ? []
    : (["cert", "ca", "client_ca", "crl", "client_crl"] as const).flatMap((what) => {
        const file = tls[what];
        return typeof file === "string" ? [{ of, what, file }] : [];
      });
