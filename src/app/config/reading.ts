import type { FilesRead } from "../../settings/load.ts";
import type { AdminRecord } from "../../settings/files/admins-file.ts";
import type { KeyRecord } from "../../settings/files/keys-rows.ts";
import type { Settings } from "../../settings/schema/schema.ts";
import type { PackedContent } from "./parsed-cache.ts";

/** One reading of the config file. */
export type Reading = {
  readonly settings: Settings;
  /** SHA-256 of the config, hexadecimal. */
  readonly hash: string;
  readonly files: FilesRead;
  /** The files of the config itself. */
  readonly config?: FilesRead;
  /** The rows of the keys file; when left out, the file is read again. */
  readonly keys?: readonly KeyRecord[] | undefined;
  /** The console's users; when left out, their file is read again. */
  readonly admins?: readonly AdminRecord[] | undefined;
  /** How many certificates, revocation lists and keys each of `files` contains. */
  readonly pieces?: ReadonlyMap<string, number>;
  /** Texts from variables and named files, which no sentence may quote. */
  readonly filled?: readonly string[];
  /** Data for the next reading. */
  readonly kept?: PackedContent | undefined;
};
