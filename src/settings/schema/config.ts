/** `config`: how the gateway applies changes of the config and of the files that it names. */
import { z } from "zod";

export const config = z.strictObject({
  watch: z
    .enum(["all", "keys-and-certificates", "none"])
    .default("keys-and-certificates")
    .describe(
      "Which changed files the gateway loads by itself. keys-and-certificates: API keys, users of the console, " +
        "certificates, CAs, CRLs, JWKS files and ${file:} secrets. all: also the config file and tenants.d. none: " +
        "nothing. All other changes need ocsgw reload or SIGHUP.",
    ),
  end_marker: z
    .boolean({ error: "expected true or false" })
    .default(false)
    .describe(
      "true: the config file and each file of tenants.d must end with the key `end: true`, which proves that they " +
        "are complete. A file that ended with it when it was last loaded needs it in any case.",
    ),
});
