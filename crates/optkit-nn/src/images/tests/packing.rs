//! Packed weights against the weights.

use super::*;

/// Weights that are rounded on the way are packed as rounded ones are, and are what is held: all of them, and any run.
fn try_packing<S: Scalar>(kernels: &Kernels<S>, trial: Trial, read_image: bool) {
    let (e, channels, outputs, groups, samples) = trial;
    let convolution = Convolution::new(e, channels, outputs, groups, read_image);
    let of_output = channels / groups * e.taps();
    let w = numbers(outputs * of_output, 2);
    let (mut packed, mut rounded) = (Buffer::default(), Buffer::default());
    convolution.pack(&of::<S>(&w), &mut packed);
    convolution.pack_rounded(kernels, &w, &mut rounded);
    assert!(packed[..] == rounded[..], "{:?} {trial:?}", kernels.kernel);
    // What a weight changes of the outputs, by definition: nothing where it meets padding only.
    let definition = Definition { e, channels, outputs, groups, samples };
    let mut used = vec![read_image; w.len()];
    definition.terms(|_, j, _| used[j] = true);
    let mut back = vec![9.0; w.len()];
    convolution.unpack_widened(kernels, &packed, &mut back);
    let mut rounded_back = of::<S>(&vec![9.0; w.len()]);
    convolution.unpack(&packed, &mut rounded_back);
    assert!(rounded_back.iter().zip(&back).all(|(own, &back)| own.to_f64() == back));
    for ((&back, &w), &used) in back.iter().zip(&w).zip(&used) {
        assert_eq!(back, if used { S::from_f64(w).to_f64() } else { 0.0 });
    }
    assert!(convolution.holds(&packed, 0, &w));
    for j in [0, w.len() / 3, w.len() - 1] {
        let mut other = w.clone();
        other[j] += 1.0;
        assert_eq!(convolution.holds(&packed, 0, &other), !used[j]);
        let some = j.saturating_sub(5)..(j + 3).min(w.len());
        assert!(convolution.holds(&packed, some.start, &w[some.clone()]));
        assert_eq!(convolution.holds(&packed, some.start, &other[some]), !used[j]);
    }
}

#[test]
fn packed_weights_are_the_weights() {
    for trial in trials() {
        try_packing(&DOUBLE, trial, false);
        usable().for_each(|kernels| try_packing(kernels, trial, false));
        if trial.3 == 1 && trial.0.dilation[1] == 1 {
            usable().for_each(|kernels| try_packing(kernels, trial, true));
        }
    }
}
