import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';

export interface Secrets {
  /** What is stored of a code: useless without the pepper, and bound to its challenge, phone and purpose. */
  hashOtp(challengeId: string, phone: string, code: string): string;
  signPuzzle(text: string): string;
  /**
   * The refresh token that replaced this one at this moment: 256 bits that nobody can tell without the secret. It is made and not drawn,
   * so that two tabs that refresh together can be given the same one although only its hash is stored.
   */
  successorOf(refreshToken: string, moment: string): string;
  seal(plaintext: string): string;
  open(sealed: string): string;
}

/** One secret of the environment, a key of its own for each use. */
export function createSecrets(secret: string): Secrets {
  const keyOf = (use: string) => Buffer.from(hkdfSync('sha256', secret, 'kelid-identity', use, 32));
  const otpKey = keyOf('otp');
  const puzzleKey = keyOf('puzzle');
  const refreshKey = keyOf('refresh');
  const sealKey = keyOf('seal');
  return {
    hashOtp: (challengeId, phone, code) =>
      createHmac('sha256', otpKey).update(`${challengeId}|${phone}|sign-in|${code}`).digest('hex'),
    signPuzzle: (text) => createHmac('sha256', puzzleKey).update(text).digest('base64url'),
    successorOf: (refreshToken, moment) =>
      createHmac('sha256', refreshKey).update(`${refreshToken}|${moment}`).digest('base64url'),
    seal(plaintext) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', sealKey, nonce);
      const body = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64');
    },
    open(sealed) {
      const bytes = Buffer.from(sealed, 'base64');
      const decipher = createDecipheriv('aes-256-gcm', sealKey, bytes.subarray(0, 12), { authTagLength: 16 });
      decipher.setAuthTag(bytes.subarray(12, 28));
      return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
    },
  };
}

/** For values that are themselves 256 random bits: refresh tokens, tickets, devices. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
