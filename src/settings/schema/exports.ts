/** `admin.exports` and `admin.look_ups`: what people take out of the journal over the admin API. */
import { z } from "zod";
import { off, path, rate, size, wait } from "./units.ts";

export const exported = z.strictObject({
  dir: off(path).describe(
    "Folder for the files of exports. The gateway makes it, and removes its exports from it when it starts and when " +
      "it stops. Default: exports in audit.dir.",
  ),
  keep: wait.prefault("1d").describe("How long the file of an export can be fetched."),
  max_size: size
    .prefault("10GiB")
    .describe("Space for all exports together. Besides, 1 GiB of the disk always stays free for the journal."),
});

export const lookUps = rate
  .prefault("30/h")
  .describe(
    "How many people a user of the console may look up, as in 30/h; a filter with phone: or customer: counts too. " +
      "Programs with the admin token are not limited.",
  );
