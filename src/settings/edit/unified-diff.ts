/** A unified diff of two texts, as `diff -u` and `patch` know it. */
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from "diff";

/** Empty when the texts are equal. `file`: the name after --- and +++. */
export const unifiedDiff = (
  before: string,
  after: string,
  { file, context = 3 }: { readonly file: string; readonly context?: number },
): string =>
  before === after
    ? ""
    : createTwoFilesPatch(file, file, before, after, undefined, undefined, {
        context,
        headerOptions: FILE_HEADERS_ONLY,
      });
