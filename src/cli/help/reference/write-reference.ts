/** `node src/cli/help/reference/write-reference.ts` writes the pages of src/docs/reference made from tables. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DOCS_DIR } from "../../../documentation/page.ts";
import { createProgram } from "../../commands/program.ts";
import { referencePages } from "./pages.ts";

for (const [name, text] of Object.entries(referencePages(createProgram())))
  await writeFile(join(DOCS_DIR, "reference", `${name}.md`), text);
