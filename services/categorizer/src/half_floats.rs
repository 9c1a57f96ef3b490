//! Vectors as records keep them: f16, little endian.
use half::f16;

/// The bytes of numbers.
pub fn packed(numbers: impl IntoIterator<Item = f32>) -> Vec<u8> {
    numbers.into_iter().flat_map(|number| f16::from_f32(number).to_le_bytes()).collect()
}

/// The numbers of bytes.
pub fn unpacked(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<2>().0.iter().map(|pair| f16::from_le_bytes(*pair).to_f32()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_as_near_as_sixteen_bits_are() {
        let numbers = [0.0, 1.0, -0.333, 6.1e-5, -17.25];
        let back = unpacked(&packed(numbers));
        assert!(numbers.iter().zip(&back).all(|(was, is)| (was - is).abs() <= was.abs() / 1024.0), "{back:?}");
        assert_eq!(packed(numbers).len(), 10);
    }
}
