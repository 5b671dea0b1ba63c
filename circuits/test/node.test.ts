import { createHash } from 'node:crypto';
import { isAbsolute } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ownershipV1 } from '../src/index.js';
import { artifactPath, readArtifact } from '../src/node.js';

describe('readArtifact', () => {
  it('reads each artifact of the manifest by its hash', async () => {
    for (const { sha256, bytes } of Object.values(ownershipV1.artifacts)) {
      const content = await readArtifact(sha256);
      expect(content).toHaveLength(bytes);
      expect(createHash('sha256').update(content).digest('hex')).toBe(sha256);
      expect(isAbsolute(artifactPath(sha256) as string)).toBe(true);
    }
  });

  it('knows nothing else: no other hash, spelling, file name or path', async () => {
    const { sha256, file } = ownershipV1.artifacts.zkey;
    const unknown = ['', sha256.toUpperCase(), `${sha256} `, file, `../${file}`, '__proto__'];
    for (const name of [...unknown, 'constructor', '0'.repeat(64)]) {
      expect(artifactPath(name)).toBeUndefined();
      await expect(readArtifact(name)).rejects.toThrow(TypeError);
    }
  });
});
