/** The words that name the vault as it is now, for comparing two devices. */
export function VaultWords({ words }: { words: readonly string[] }) {
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
