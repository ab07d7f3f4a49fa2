use super::*;

#[test]
fn words_give_layers_or_say_what_is_wrong() {
    assert_eq!(Layer::from_words("relu", &[], &[]), Ok(Layer::Relu));
    let text = |r: Result<Layer, LayerError>| r.unwrap_err().to_string();
    assert_eq!(
        text(Layer::from_words("dense", &["-3"], &[])),
        "`dense`: `outputs` must be a whole number of at least 1, but is `-3`"
    );
    assert_eq!(text(Layer::from_words("relu", &["3"], &[])), "`relu` takes 0 operand(s), but 1 are given");
    assert_eq!(text(Layer::from_words("conv", &["3x3"], &[])), "`conv` takes 2 operand(s), but 1 are given");
    assert_eq!(
        text(Layer::from_words("conv", &["3x3x3", "8"], &[])),
        "`conv`: `kernel` must be one whole number of at least 1 or two, such as `3` or `1x7`, but is `3x3x3`"
    );
    assert_eq!(
        text(Layer::from_words("conv", &["3x3", "8"], &[("stride", "0")])),
        "`conv`: `stride` must be one whole number of at least 1 or two, such as `3` or `1x7`, but is `0`"
    );
    assert_eq!(
        text(Layer::from_words("conv", &["3x3", "8"], &[("init", "zero")])),
        "`conv`: `init` must be `kaiming` or `uniform`, but is `zero`"
    );
    assert_eq!(
        text(Layer::from_words("dropout", &["1"], &[])),
        "`dropout`: `rate` must be at least 0 and less than 1, but is `1`"
    );
    assert_eq!(
        text(Layer::from_words("pool_avg", &["global"], &[("stride", "2")])),
        "`pool_avg global` has no setting `stride`; remove it"
    );
    assert_eq!(Layer::from_words("pool_avg", &["global"], &[("pad", "0x0")]), Ok(Layer::PoolAvgGlobal));
    assert!(text(Layer::from_words("pool_avg", &["global"], &[("pad", "1")])).contains("no setting `pad`"));
    assert_eq!(
        text(Layer::from_words("relu", &[], &[("slope", "1")])),
        "`relu` has no setting `slope`; remove it"
    );
    assert!(text(Layer::from_words("dens", &["3"], &[])).contains("flatten, dense, relu"));
}

/// A layer says of itself what makes it.
#[test]
fn a_layer_is_made_of_the_words_that_it_is_written_with() {
    for line in [
        "flatten",
        "dense 32",
        "conv 7x7 64 stride=2 pad=3 bias=off",
        "conv 1x7 8 stride=2x1 pad=0x3 dilation=2 groups=4 init=uniform",
        "batch_norm",
        "batch_norm eps=0.001 momentum=0.2 ghost=32",
        "pool_max 3x3 stride=2 pad=1",
        "pool_avg 2x2",
        "pool_avg global",
        "dropout 0.5",
        "layer_norm",
        "layer_norm eps=0.000001",
        "gelu",
        "leaky_relu slope=0.2",
        "log_softmax",
    ] {
        let mut words = line.split(' ');
        let name = words.next().unwrap();
        let (settings, operands): (Vec<_>, Vec<_>) = words.partition(|word| word.contains('='));
        let settings: Vec<_> = settings.iter().map(|word| word.split_once('=').unwrap()).collect();
        let layer = Layer::from_words(name, &operands, &settings).unwrap();
        assert_eq!(layer.to_string(), line);
        assert_eq!(layer.entry().name, name);
    }
}

#[test]
fn every_row_makes_a_layer_that_knows_its_row() {
    for row in &layers::ROWS {
        let operands: Vec<_> =
            row.entry.operands.iter().map(|o| if o.name == "rate" { "0.5" } else { "3" }).collect();
        let layer = Layer::from_words(row.entry.name, &operands, &[]).unwrap();
        assert_eq!(layer.entry().name, row.entry.name);
    }
}

/// Defaults are stated in the table and in the constructor: they are the same.
#[test]
fn settings_written_out_as_their_defaults_change_nothing() {
    for row in &layers::ROWS {
        let operands: Vec<_> =
            row.entry.operands.iter().map(|o| if o.name == "rate" { "0.5" } else { "3" }).collect();
        let defaults = row.entry.settings.iter().filter_map(|s| Some((s.name, s.default?)));
        let written: Vec<_> = defaults.filter(|(_, default)| !default.is_empty()).collect();
        assert_eq!(
            Layer::from_words(row.entry.name, &operands, &written),
            Layer::from_words(row.entry.name, &operands, &[])
        );
    }
}

#[test]
fn shapes_follow_pytorch() {
    let shape = |layer: &str, operands: &[&str], settings: &[(&str, &str)], input: &[usize]| {
        Layer::from_words(layer, operands, settings).unwrap().output(input)
    };
    // torch.nn.Conv2d and MaxPool2d of the same arguments.
    let two = [("stride", "2"), ("pad", "3")];
    assert_eq!(shape("conv", &["7", "64"], &two, &[3, 224, 224]), Ok(vec![64, 112, 112]));
    assert_eq!(shape("conv", &["3", "8"], &[("dilation", "2")], &[4, 9, 11]), Ok(vec![8, 5, 7]));
    assert_eq!(shape("conv", &["1x3", "8"], &[("stride", "2x1")], &[4, 9, 11]), Ok(vec![8, 5, 9]));
    let pool = [("stride", "2"), ("pad", "1")];
    assert_eq!(shape("pool_max", &["3"], &pool, &[64, 7, 8]), Ok(vec![64, 4, 4]));
    assert_eq!(shape("pool_avg", &["2"], &[], &[64, 7, 8]), Ok(vec![64, 3, 4]));
    assert_eq!(shape("pool_avg", &["global"], &[], &[64, 7, 8]), Ok(vec![64]));
    let text = |r: Result<Vec<usize>, LayerError>| r.unwrap_err().to_string();
    assert_eq!(
        text(shape("conv", &["3", "8"], &[], &[28, 28])),
        "`conv` takes channels, rows and columns, such as 3x32x32, but gets 28x28; an image of one channel is 1x28x28"
    );
    assert_eq!(
        text(shape("pool_max", &["3"], &[], &[784])),
        "`pool_max` takes channels, rows and columns, such as 3x32x32, but gets 784; put it before `flatten`"
    );
    assert_eq!(
        text(shape("conv", &["3", "8"], &[("dilation", "4"), ("pad", "1")], &[1, 6, 9])),
        "`conv` looks at 9x9 values, but the image with its padding has only 8x11; use a smaller window or a larger `pad`"
    );
    assert_eq!(
        text(shape("conv", &["3", "9"], &[("groups", "4")], &[8, 6, 9])),
        "`conv`: `groups=4` does not divide the 9 channels of its output"
    );
    assert_eq!(
        text(shape("pool_max", &["3"], &[("pad", "2")], &[8, 6, 9])),
        "`pool_max` pads by 2x2, more than half of its window of 3x3; use a smaller `pad`"
    );
    assert!(text(shape("batch_norm", &[], &[], &[8, 6])).contains("1x8x6"));
}
