/** The first digits of a config's hash; the whole one is its title. */
const DIGITS = 12;

export const shortHash = (hash: string): string => hash.slice(0, DIGITS);

export const Hash = ({ hash }: { readonly hash: string }) => (
  <code class="hash" title={hash}>
    {shortHash(hash)}
  </code>
);
