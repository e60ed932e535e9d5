/** `config`: how changes of the config and of the files that it names come into force. */
import { z } from "zod";

export const config = z.strictObject({
  watch: z
    .enum(["all", "keys-and-certificates", "none"])
    .default("keys-and-certificates")
    .describe(
      "Which changes of files come into force by themselves. keys-and-certificates: API keys, certificates, CAs, CRLs, JWKS files and ${file:} secrets; " +
        "all: the config file and tenants.d too; none: nothing. Whatever is not watched waits for ocsgw reload or SIGHUP.",
    ),
  end_marker: z
    .boolean({ error: "expected true or false" })
    .default(false)
    .describe(
      "true: the config file and each file of tenants.d is complete only with `end: true` as its last key. A file that had it needs it in any case.",
    ),
});
