import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { catalogContract } from '@kelid/contracts/catalog';
import { newId } from '@kelid/service/ids';
import { serviceActor, startServices, type TestServices } from '@kelid/testing/start-service';
import { signLink } from './domain/signed-link.ts';
import { catalogService } from './service.ts';
import { createDiskStore } from './storage/disk.ts';
import { createS3Store } from './storage/s3.ts';

const secret = 'x'.repeat(40);
let shop: TestServices;
let folder: string;
let productId: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kelid-catalog-'));
  shop = await startServices({
    services: [catalogService],
    env: { RUN: 'api', CATALOG_MEDIA_SECRET: secret, CATALOG_MEDIA_FOLDER: join(folder, 'media') },
  });
  const title = { fa: 'کارت', en: 'Card' };
  const { categoryId } = await service().createCategory({ slug: 'cards', title, parentId: null, position: 0 });
  const product = await service().createProduct({
    slug: 'card',
    title,
    summary: title,
    description: title,
    activationGuide: { fa: [], en: [] },
    type: 'gift_card',
    brand: 'Steam',
    platform: 'steam',
    categoryId,
    aliases: [],
    isFeatured: false,
    accountRule: null,
    variants: [{ sku: 'CARD', title, region: 'US', faceValue: 500, faceCurrency: 'USD', priceRial: 10_000 }],
  });
  ({ productId } = product);
});
afterAll(async () => {
  await shop.close();
  await rm(folder, { recursive: true });
});

const service = () => shop.as(catalogContract, serviceActor);
const guest = () => shop.as(catalogContract, { kind: 'guest' });
const picture = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#246' }, limitInputPixels: false });
const upload = (bytes: Buffer, contentType = 'image/png') =>
  service().uploadProductImage({ productId, contentType, contentBase64: bytes.toString('base64') });
const keyOf = (url: string) => url.replace('/api/v1/media/', '');

test('CA-8: an uploaded picture is there for everybody in three widths, without what the camera wrote into it', async () => {
  const source = await picture(2000, 1000)
    .withExif({ IFD0: { Copyright: 'CANARY of the seller' } })
    .jpeg()
    .toBuffer();
  const { image } = await upload(source, 'image/jpeg');
  const widths = await Promise.all(
    [image.small, image.medium, image.large].map(async (url) => {
      const file = await guest().getMedia({ mediaKey: keyOf(url) });
      expect(file).toMatchObject({ contentType: 'image/webp', isPublic: true });
      const { width, exif } = await sharp(Buffer.from(file.contentBase64, 'base64')).metadata();
      expect(exif).toBeUndefined();
      return width;
    }),
  );
  expect(widths).toEqual([320, 640, 1280]);
  expect((await guest().getProduct({ productId })).image).toEqual(image);
});

test('CA-8: a small picture is not blown up, and the same file again is the same picture', async () => {
  const source = await picture(100, 50).png().toBuffer();
  const { image } = await upload(source);
  const file = await guest().getMedia({ mediaKey: keyOf(image.large) });
  expect((await sharp(Buffer.from(file.contentBase64, 'base64')).metadata()).width).toBe(100);
  expect((await upload(source)).image).toEqual(image);
});

test('CA-8: what is no JPEG, PNG or WebP, is broken or has too many pixels is refused, whatever it says it is', async () => {
  const png = await picture(600, 600).png().toBuffer();
  const noise = await sharp(Buffer.from(Array.from({ length: 30_000 }, (_, index) => (index * 7919) % 251)), {
    raw: { width: 100, height: 100, channels: 3 },
  })
    .png()
    .toBuffer();
  const refusedFiles = [
    Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>'),
    await picture(9, 9).gif().toBuffer(),
    Buffer.from('%PDF-1.7'),
    Buffer.from('MZ not a picture'),
    Buffer.alloc(0),
    noise.subarray(0, noise.length / 2),
    png.subarray(0, 40),
    await picture(6000, 6000).png().toBuffer(),
  ];
  const before = await guest().getProduct({ productId });
  for (const bytes of refusedFiles)
    await expect(upload(bytes)).rejects.toMatchObject({ status: 422, code: 'catalog.image-refused' });
  expect((await guest().getProduct({ productId })).image).toEqual(before.image);
  await expect(
    service().uploadProductImage({ productId, contentType: 'image/png', contentBase64: 'A'.repeat(7_000_001) }),
  ).rejects.toMatchObject({ status: 422 });
});

test('CA-9: a private file opens only by its own signed link and only until that ends', async () => {
  const [mediaKey, other] = [`private-${newId()}.pdf`, `private-${newId()}.pdf`];
  const store = createDiskStore(join(folder, 'media'));
  for (const key of [mediaKey, other]) await store.put(key, Buffer.from('%PDF secret'), 'application/pdf');
  const inSeconds = (seconds: number) => signLink(secret, mediaKey, Math.floor(Date.now() / 1000) + seconds);
  expect(await guest().getMedia({ mediaKey, ...inSeconds(60) })).toMatchObject({
    contentType: 'application/pdf',
    isPublic: false,
  });
  const closed = [
    { mediaKey },
    { mediaKey, ...inSeconds(0) },
    { mediaKey, ...inSeconds(-60) },
    { mediaKey, ...inSeconds(60), expires: Math.floor(Date.now() / 1000) + 3600 },
    { mediaKey, ...inSeconds(60), signature: 'پ'.repeat(43) },
    { mediaKey: other, ...inSeconds(60) },
    { mediaKey: 'public-missing.webp' },
  ];
  for (const link of closed)
    await expect(guest().getMedia(link)).rejects.toMatchObject({ status: 404, code: 'catalog.media-not-found' });
  // An admin has no other way to it than a guest has, and a key can't name a file elsewhere.
  await expect(service().getMedia({ mediaKey })).rejects.toMatchObject({ status: 404 });
  for (const key of ['../media/secret.pdf', 'public-/../../secret', 'PUBLIC-A', `public-${'a'.repeat(200)}`])
    await expect(guest().getMedia({ mediaKey: key })).rejects.toMatchObject({ status: 422 });
});

interface S3Server {
  run(): Promise<{ port: number }>;
  close(): Promise<void>;
}

test('CA-9: with an S3 server set, files go into its bucket and come back whole, and a missing one is missing', async () => {
  // It has no types of its own.
  const S3rver = createRequire(import.meta.url)('s3rver') as new (options: object) => S3Server;
  const server = new S3rver({
    address: '127.0.0.1',
    port: 0,
    silent: true,
    directory: join(folder, 's3'),
    configureBuckets: [{ name: 'kelid-media' }],
  });
  const { port } = await server.run();
  const options = {
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    bucket: 'kelid-media',
    accessKey: 'S3RVER',
    secretKey: 'S3RVER',
  };
  const store = createS3Store(options);
  const lost = createS3Store({ ...options, bucket: 'not-there' });
  try {
    const bytes = await picture(64, 64).webp().toBuffer();
    await store.put('public-a-64.webp', bytes, 'image/webp');
    await store.put('public-a-64.webp', bytes, 'image/webp');
    expect(await store.get('public-a-64.webp')).toEqual({ bytes, contentType: 'image/webp' });
    expect(await store.get('public-missing.webp')).toBeUndefined();
    // A bucket that is not there is a failure, not a missing file.
    await expect(lost.get('public-a-64.webp')).rejects.toThrow();
  } finally {
    store.close();
    lost.close();
    await server.close();
  }
});
