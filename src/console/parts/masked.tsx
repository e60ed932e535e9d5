/** A text that may contain a masked number: read out as "ending in 0 1 7 7". */
import { S } from "../strings.ts";

const MASK = /·{2,}(\w{0,4})/;

export const Masked = ({ text }: { readonly text: string }) => {
  const found = MASK.exec(text);
  if (!found) return <>{text}</>;
  return (
    <>
      <span aria-hidden="true">{text}</span>
      <span class="visually-hidden unselectable">
        {text.slice(0, found.index)} {S.masked(found[1]!)}
      </span>
    </>
  );
};
