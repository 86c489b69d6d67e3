import { crc32, deflateSync } from 'node:zlib';

/** The letters of a code, five rows of three dots each, a row being one octal digit. */
const letters = new Map(
  (
    'A25755 B65656 C34443 D65556 E74647 F74644 G34553 H55755 J11152 K55655 L44447 M57755 N65555 P65644 Q25573 R65655 ' +
    'S34216 T72222 U55557 V55552 W55775 X55255 Y55222 Z71247 261247 361216 455711 574616 634757 771222 875757 975716 -00700'
  )
    .split(' ')
    .map((text) => [text.slice(0, 1), text.slice(1)]),
);
const dotPixels = 6;

/** A real PNG on which the code can be read, as suppliers photograph cards; base64. */
export function drawCodeImage(code: string): string {
  const width = (code.length * 4 + 3) * dotPixels;
  const height = 9 * dotPixels;
  // Every row of pixels begins with its filter: 0, none.
  const pixels = Buffer.alloc((width + 1) * height, 255);
  for (let y = 0; y < height; y += 1) {
    pixels[y * (width + 1)] = 0;
    const row = Math.floor(y / dotPixels) - 2;
    for (let x = 0; x < width; x += 1) {
      const column = Math.floor(x / dotPixels) - 2;
      const bits = Number(letters.get(code[Math.floor(column / 4)] ?? '')?.[row] ?? 0);
      const isInk = column >= 0 && column % 4 < 3 && (bits & (4 >> (column % 4))) !== 0;
      if (isInk) pixels[y * (width + 1) + 1 + x] = 0;
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(pixels)),
    chunk('IEND', Buffer.alloc(0)),
  ]).toString('base64');
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, check]);
}
