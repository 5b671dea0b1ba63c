/** The words that name the vault's identity key, for comparing two devices. */
export function IdentityWords({ words }: { words: readonly string[] }) {
  return (
    <ol className="words" aria-label="Words of the vault">
      {words.map((word, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a word may occur twice, and none moves
        <li key={index} className="word">
          {word}
        </li>
      ))}
    </ol>
  );
}
