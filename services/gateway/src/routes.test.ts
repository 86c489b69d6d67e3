import { findRoute } from '@kelid/contracts/routes';
import { expect, test } from 'vitest';

test('an operation is the same one however its address is spelt, and goes on under one spelling', () => {
  for (const spelling of ['/api/v1/auth/otp/verify', '/api/v1/auth/otp/%76erify', '/%61pi/v1/%61uth/otp/verif%79'])
    expect(findRoute('POST', spelling)).toMatchObject({
      route: { name: 'verifyOtp' },
      path: '/api/v1/auth/otp/verify',
    });
  expect(findRoute('GET', '/api/v1/products/slug/a%2Fb')).toMatchObject({
    route: { name: 'getProductBySlug' },
    path: '/api/v1/products/slug/a%2Fb',
  });
  expect(findRoute('GET', '/api/v1/auth/otp/verify')).toMatchObject({ route: undefined, methods: ['POST'] });
  for (const none of [
    '/api/v1',
    '/api/v1/',
    '/api/v1/products/',
    '/api/v1//products',
    '//api/v1/products',
    '/api/v1/products/%',
    '/api/v1/products/%2e%2e',
    '/api/v1/auth/otp%2Fverify',
    '/api/v1/internal/identity/jwks',
    '/other',
  ])
    expect(findRoute('GET', none), none).toMatchObject({ route: undefined, methods: [] });
});
