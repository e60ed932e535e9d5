/** A text of unknown content: control and direction characters are visible, and a long one is folded. */
import { S } from "../strings.ts";

/** Characters that are invisible, or change the order of what is around them. */
const INVISIBLE = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;
const LONG = 240;

const visible = (text: string): string =>
  text.replaceAll(INVISIBLE, (found) => `⟨U+${found.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}⟩`);

/** `whole`: never folded, for links and headings. */
export const AnyText = ({ text, whole = false }: { readonly text: string; readonly whole?: boolean }) => {
  const shown = visible(text);
  if (whole || shown.length <= LONG)
    return (
      <bdi class="any-text" dir="ltr">
        {shown}
      </bdi>
    );
  return (
    <details>
      <summary>
        <bdi class="any-text" dir="ltr">
          {shown.slice(0, LONG)}…
        </bdi>{" "}
        <span class="muted">{S.characters(shown.length)}</span>
      </summary>
      <bdi class="any-text" dir="ltr">
        {shown}
      </bdi>
    </details>
  );
};
