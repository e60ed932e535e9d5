/** The config file that this command was given, so that the commands it prints can be copied and run. */
import { withConfig } from "../../common/shell-word.ts";

let given: string | undefined;

export const rememberConfig = (file: string | undefined): void => {
  given = file;
};

/** The text with this command's config file where it says `-c FILE`. */
export const withGivenConfig = (text: string): string => withConfig(text, given);
